package supervisor

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestAnArchiveHoldsWhatItsManifestNames(t *testing.T) {
	program := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(program, []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := writeArchive(&archive, []Image{{Name: "example.test/hello:1", Program: program}}); err != nil {
		t.Fatal(err)
	}
	files := contents(t, &archive)
	var manifests []manifest
	if err := json.Unmarshal(files["manifest.json"], &manifests); err != nil {
		t.Fatal(err)
	}
	if len(manifests) != 1 || manifests[0].RepoTags[0] != "example.test/hello:1" {
		t.Fatalf("manifest: %+v", manifests)
	}
	if !bytes.Contains(files[manifests[0].Config], []byte(`"/hello"`)) {
		t.Errorf("the image does not run its program: %s", files[manifests[0].Config])
	}
	layer := contents(t, bytes.NewReader(files[manifests[0].Layers[0]]))
	if string(layer["hello"]) != "#!" {
		t.Errorf("layer: %q", layer)
	}
}

func contents(t *testing.T, archive io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}
