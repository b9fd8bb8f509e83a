package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// The names of scenario files end so.
const (
	suffixHCL  = ".gameday.hcl"
	suffixJSON = ".gameday.hcl.json"
)

// parsed is one file, as far as it could be parsed.
type parsed struct {
	name   string // as it is shown to people
	file   *hcl.File
	sha256 string
	broken bool // has a mistake of syntax, so that what it declares is not all known
}

// at is the beginning of a file, for what is wrong with the file as a whole.
func at(name string) *hcl.Range {
	return &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}

func fail(subject *hcl.Range, summary, detail string, args ...any) hcl.Diagnostics {
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: subject}}
}

func warn(subject *hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: subject}}
}

// scenarioFiles lists the files of a directory that make up a scenario.
func scenarioFiles(dir string) ([]string, hcl.Diagnostics) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fail(at(dir), "The directory cannot be read", "%s. Name a directory that holds *.gameday.hcl files.", plainError(err))
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); !e.IsDir() && !strings.HasPrefix(n, ".") && (strings.HasSuffix(n, suffixHCL) || strings.HasSuffix(n, suffixJSON)) {
			names = append(names, filepath.Join(dir, n))
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return nil, fail(at(dir), "There are no scenario files here", "A scenario is a directory with *.gameday.hcl files in it. \"gameday init DIR\" writes one to start from.")
	case len(names) > maxFiles:
		return nil, fail(at(dir), "There are too many scenario files here", "A scenario may have %d files; this directory has %d.", maxFiles, len(names))
	}
	return names, nil
}

// plainError is an error of the operating system without the operation and the path, which the diagnostic has.
func plainError(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return upperFirst(pe.Err.Error())
	}
	return upperFirst(err.Error())
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readAllBounded(f)
}

func readAllBounded(f *os.File) ([]byte, error) {
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, errors.New("it is a directory")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(b) > maxFileSize {
		err = fmt.Errorf("it is larger than %d bytes", maxFileSize)
	}
	return b, err
}

// parseFile reads one file. What could be parsed of a file with mistakes is kept, so that the others can be checked
// against it.
func parseFile(path string) (parsed, hcl.Diagnostics) {
	p := parsed{name: filepath.ToSlash(path)}
	src, err := readBounded(path)
	if err != nil {
		p.broken = true
		return p, fail(at(p.name), "The file cannot be read", "%s.", plainError(err))
	}
	p.sha256 = checksum(src)
	var diags hcl.Diagnostics
	p.file, diags = parseSource(src, p.name)
	p.broken = diags.HasErrors()
	return p, diags
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func parseSource(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if strings.HasSuffix(name, ".json") {
		return parseJSON(src, name)
	}
	if diags := checkNesting(src, name); diags.HasErrors() {
		return &hcl.File{Bytes: src}, diags
	}
	f, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	return f, within(diags, src, name)
}

func parseJSON(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if diags := checkJSONNesting(src, name); diags.HasErrors() {
		return &hcl.File{Bytes: src}, diags
	}
	f, diags := json.Parse(src, name)
	if diags.HasErrors() {
		return &hcl.File{Bytes: src}, within(diags, src, name)
	}
	return f, nil
}

// within sees to it that every diagnostic has a subject and that it lies inside its file.
func within(diags hcl.Diagnostics, src []byte, name string) hcl.Diagnostics {
	for _, d := range diags {
		if d.Subject == nil {
			d.Subject = at(name)
		}
		for _, r := range []*hcl.Range{d.Subject, d.Context} {
			if r != nil && r.Filename == name {
				r.Start.Byte = max(0, min(r.Start.Byte, len(src)))
				r.End.Byte = max(r.Start.Byte, min(r.End.Byte, len(src)))
			}
		}
	}
	return diags
}
