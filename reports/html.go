package reports

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

//go:embed templates assets
var files embed.FS

// HTML writes the report as one self-contained page: it opens offline, asks nobody for anything, and its content
// security policy holds it to that.
func HTML(w io.Writer, m *Model) error {
	t, err := template.New("report.html.tmpl").Funcs(htmlFuncs()).ParseFS(files, "templates/*.html.tmpl")
	if err != nil {
		return fmt.Errorf("reading the templates of the page: %w", err)
	}
	css, script := asset("report.css"), asset("report.js")
	p := newPage(m)
	p.CSS, p.Script = template.CSS(css), template.JS(script)
	p.Policy = strings.Join([]string{
		"default-src 'none'", "style-src " + hashSource(css), "script-src " + hashSource(script), "img-src data:", "base-uri 'none'", "form-action 'none'",
	}, "; ")
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

func asset(name string) string {
	b, err := files.ReadFile("assets/" + name)
	if err != nil {
		panic("reports: " + err.Error()) // it is embedded
	}
	return string(b)
}

// hashSource names an inline style or script by its content, so that the policy allows this one and no other.
func hashSource(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func htmlFuncs() template.FuncMap {
	return template.FuncMap{
		"num": num, "duration": Duration, "interval": measure.Interval.String, "offset": Offset, "count": Count[uint64], "percent": Percent,
		"ratio": Ratio, "short": shortName, "word": verdictWord, "join": strings.Join, "limit": Limit, "sentence": sentence,
	}
}
