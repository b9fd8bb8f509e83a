package lang

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/hashicorp/hcl/v2"
)

// The JSON form is that of `terraform validate -json`, so that tools which read one can read the other.

type jsonReport struct {
	FormatVersion string           `json:"format_version"`
	Valid         bool             `json:"valid"`
	ErrorCount    int              `json:"error_count"`
	WarningCount  int              `json:"warning_count"`
	Diagnostics   []jsonDiagnostic `json:"diagnostics"`
}

type jsonDiagnostic struct {
	Severity string       `json:"severity"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Range    *jsonRange   `json:"range,omitempty"`
	Snippet  *jsonSnippet `json:"snippet,omitempty"`
}

type jsonRange struct {
	Filename string  `json:"filename"`
	Start    jsonPos `json:"start"`
	End      jsonPos `json:"end"`
}

type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

type jsonSnippet struct {
	Context   *string    `json:"context"`
	Code      string     `json:"code"`
	StartLine int        `json:"start_line"`
	Start     int        `json:"highlight_start_offset"`
	End       int        `json:"highlight_end_offset"`
	Values    []struct{} `json:"values"` // always empty: values might be sensitive
}

// WriteDiagnosticsJSON writes diagnostics for programs.
func WriteDiagnosticsJSON(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics) error {
	report := jsonReport{FormatVersion: "1.0", Valid: !diags.HasErrors(), Diagnostics: []jsonDiagnostic{}}
	for _, d := range diags {
		j := jsonDiagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			j.Severity = "warning"
			report.WarningCount++
		} else {
			report.ErrorCount++
		}
		if d.Subject != nil {
			j.Range = &jsonRange{Filename: d.Subject.Filename, Start: jsonPos(d.Subject.Start), End: jsonPos(d.Subject.End)}
			j.Snippet = snippet(files[d.Subject.Filename], d.Subject)
		}
		report.Diagnostics = append(report.Diagnostics, j)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}

func snippet(f *hcl.File, r *hcl.Range) *jsonSnippet {
	if f == nil || len(f.Bytes) == 0 || r.Start.Byte > len(f.Bytes) {
		return nil
	}
	start := bytes.LastIndexByte(f.Bytes[:r.Start.Byte], '\n') + 1
	end := len(f.Bytes)
	if i := bytes.IndexByte(f.Bytes[r.Start.Byte:], '\n'); i >= 0 {
		end = r.Start.Byte + i
	}
	s := &jsonSnippet{Code: string(f.Bytes[start:end]), StartLine: r.Start.Line, Start: r.Start.Byte - start,
		End: max(r.Start.Byte, min(r.End.Byte, end)) - start, Values: []struct{}{}}
	if c := blockAt(f, r.Start.Byte); c != "" {
		s.Context = &c
	}
	return s
}
