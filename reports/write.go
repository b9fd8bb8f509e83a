package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Renderer writes a model in one format. The same model gives the same bytes.
type Renderer struct {
	Name   string // of the file
	Render func(io.Writer, *Model) error
}

// Renderers are all formats, in the order in which they are written: what people open comes last, so that a page that is
// there means that the other files are too.
func Renderers() []Renderer {
	return []Renderer{{"report.json", JSON}, {"junit.xml", JUnit}, {"backlog.csv", CSV}, {"report.md", Markdown}, {"report.html", HTML}}
}

// WriteAll writes every format into dir, which it makes where it is missing. Each file is replaced as a whole: a reader
// sees the one before or the new one, never a part. A format that fails does not stop the others.
func WriteAll(dir string, m *Model) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	var errs []error
	for _, r := range Renderers() {
		var b bytes.Buffer
		err := r.Render(&b, m)
		if err == nil {
			err = replace(filepath.Join(dir, r.Name), b.Bytes())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", r.Name, err))
		}
	}
	return errors.Join(errs...)
}

// replace writes beside the file and renames, once the bytes are on disk.
func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
