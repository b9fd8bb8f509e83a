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

//go:embed templates assets/*.css assets/*.js assets/uplot/uPlot.iife.min.js assets/uplot/uPlot.min.css
var files embed.FS

// HTML writes the report as one self-contained page: it opens offline, asks nobody for anything, and its content
// security policy holds it to that.
func HTML(w io.Writer, m *Model) error {
	t, err := template.New("report.html.tmpl").Funcs(htmlFuncs()).ParseFS(files, "templates/*.html.tmpl")
	if err != nil {
		return fmt.Errorf("reading the templates of the page: %w", err)
	}
	css, plot, script := asset("uplot/uPlot.min.css")+asset("report.css"), asset("uplot/uPlot.iife.min.js"), asset("timeline.js")+asset("report.js")
	p := newPage(m)
	if p.Replay != nil {
		css += asset("replay.css")
	}
	p.CSS, p.Plot, p.Script = template.CSS(css), template.JS(plot), template.JS(script)
	p.Policy = policy([]string{css}, []string{plot, script})
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// policy lets a page do nothing but what is in it.
func policy(styles, scripts []string) string {
	rules := []string{"default-src 'none'", "style-src" + hashSources(styles)}
	if len(scripts) > 0 {
		rules = append(rules, "script-src"+hashSources(scripts))
	}
	return strings.Join(append(rules, "img-src data:", "base-uri 'none'", "form-action 'none'"), "; ")
}

func asset(name string) string {
	b, err := files.ReadFile("assets/" + name)
	if err != nil {
		panic("reports: " + err.Error()) // it is embedded
	}
	return string(b)
}

// hashSources names inline styles or scripts by their content, so that the policy allows these and no others.
func hashSources(contents []string) string {
	var b strings.Builder
	for _, content := range contents {
		sum := sha256.Sum256([]byte(content))
		b.WriteString(" 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'")
	}
	return b.String()
}

func htmlFuncs() template.FuncMap {
	return template.FuncMap{
		"num": num, "duration": Duration, "interval": measure.Interval.String, "offset": Offset, "count": Count[uint64], "percent": Percent,
		"ratio": Ratio, "short": shortName, "word": verdictWord, "join": strings.Join, "limit": Limit, "sentence": sentence,
	}
}
