package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
)

// Nothing on the page comes from elsewhere: the drawings are SVG that is made here, without a script. What scenarios say
// is escaped by html/template, and the content security policy holds the page to its own style.

//go:embed page.html.tmpl
var pageTemplate string

//go:embed page.css
var style string

type model struct {
	Policy    string
	CSS       template.CSS
	Made      string
	Scenarios []scenario
}

type scenario struct {
	Name, Service string
	Charts        []chart
}

// Write writes the page. made is the moment that it names as its own.
func Write(w io.Writer, all []archive.Series, made time.Time) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("reading the template of the page: %w", err)
	}
	sum := sha256.Sum256([]byte(style))
	m := model{
		CSS: template.CSS(style), Made: made.Format("2 January 2006, 15:04 MST"),
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
	for _, s := range all {
		if n := len(m.Scenarios); n == 0 || m.Scenarios[n-1].Name != s.Scenario {
			m.Scenarios = append(m.Scenarios, scenario{Name: s.Scenario, Service: s.Service})
		}
		last := &m.Scenarios[len(m.Scenarios)-1]
		last.Charts = append(last.Charts, draw(s))
	}
	if err := t.Execute(w, m); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}
