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
	Format string // what people call it
	Name   string // of the file
	Render func(io.Writer, *Model) error
}

// Renderers are all formats, in the order in which they are written: what people open comes last, so that a page that is
// there means that the other files are too.
func Renderers() []Renderer {
	return []Renderer{
		{"json", "report.json", JSON}, {"junit", "junit.xml", JUnit}, {"sarif", "report.sarif", SARIF}, {"csv", "backlog.csv", CSV}, {"md", "report.md", Markdown},
		{"executive", "executive.html", Executive}, {"html", "report.html", HTML},
	}
}

// WriteAll writes every format into dir, which it makes where it is missing. Each file is replaced as a whole: a reader
// sees the one before or the new one, never a part. A format that fails does not stop the others.
func WriteAll(dir string, m *Model) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	var errs []error
	for _, r := range Renderers() {
		errs = append(errs, r.WriteTo(dir, m))
	}
	return errors.Join(errs...)
}

// WriteTo writes one format into dir.
func (r Renderer) WriteTo(dir string, m *Model) error {
	var b bytes.Buffer
	err := r.Render(&b, m)
	if err == nil {
		err = streamTo(filepath.Join(dir, r.Name), func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", r.Name, err)
	}
	return nil
}

// streamTo writes beside the file and renames, once the bytes are on disk.
func streamTo(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = write(f)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
