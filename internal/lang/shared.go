package lang

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Shared is what the project file says to commands that look at many runs: where they are kept, where findings go, and
// how often a tier has to be tried.
type Shared struct {
	Path     string // of the file; empty where there is none
	Archive  string // the URL of the archive; empty for the user's own
	Trackers []Tracker
	Every    map[string]time.Duration // by tier
}

// Tracker is one place that findings are sent to.
type Tracker struct {
	Type, Name string
	Config     json.RawMessage
}

// archiveKind is the block that says where runs are kept.
func archiveKind() *kind {
	return &kind{name: "archive", core: schema(
		required("url", sdk.String, "where runs are kept: postgres://USER@HOST/DATABASE, or the path of a SQLite file, relative to the project file"),
	)}
}

// trackerKind is the block of a tracker; what else it holds depends on its type.
func trackerKind() *kind { return &kind{name: "tracker", typed: true} }

// trackerTypes are the trackers that there are. Tokens are read from the environment only.
func trackerTypes() map[string]sdk.Schema {
	labels := attr("labels", sdk.StringList, "labels that every issue gets, besides gameday's own")
	user := attr("user", sdk.String, "who the token belongs to, for basic authentication; without it the token is a bearer token")
	token := func(name string) sdk.Attribute {
		return preset("token_env", sdk.String, name, "the environment variable that holds the token")
	}
	return map[string]sdk.Schema{
		"github": schema(
			required("repository", sdk.String, "OWNER/NAME"),
			preset("url", sdk.String, "https://api.github.com", "of the API; on GitHub Enterprise Server https://HOST/api/v3"),
			labels, token("GITHUB_TOKEN")),
		"jira": schema(
			required("url", sdk.String, "of the site, such as https://example.atlassian.net"),
			required("project", sdk.String, "the key of the project"),
			preset("issue_type", sdk.String, "Task", "the type of the issues that are made"),
			user, labels, token("JIRA_TOKEN")),
		"servicenow": schema(
			required("url", sdk.String, "of the instance, such as https://example.service-now.com"),
			preset("table", sdk.String, "incident", "the table in which records are made"),
			preset("open_state", sdk.String, "2", "the state that a record is put into when a finding comes back"),
			preset("closed_state", sdk.String, "6", "the state that a record is put into when a finding is proven fixed"),
			preset("close_code", sdk.String, "Solution provided", "the close code, which the instance must know"),
			user, token("SERVICENOW_TOKEN")),
	}
}

// sharedBlock registers an archive or tracker block of the project file.
func (l *loader) sharedBlock(p *project, b *hcl.Block) {
	d := &decl{kind: archiveKind(), block: b, rng: b.DefRange, key: "archive", project: true}
	types := sdk.Schema{}
	if b.Type == "tracker" {
		d.kind, d.typ, d.name = trackerKind(), b.Labels[0], b.Labels[1]
		d.key = address("tracker", d.typ, d.name)
		var ok bool
		if types, ok = trackerTypes()[d.typ]; !ok {
			l.add(fail(&b.LabelRanges[0], fmt.Sprintf("There is no tracker of type %q", clip(d.typ)), "%s", didYouMean(d.typ, keys(trackerTypes()))))
			return
		}
	}
	l.register(p.src, d)
	if p.src.byKey[d.key] != d {
		return
	}
	d.spec = l.specFor(d, "project", types)
	l.shape(d, d.spec.all)
	l.standsByItself(d)
	p.shared = append(p.shared, d)
}

// shared evaluates the blocks that concern no single scenario.
func (ev *evaluator) shared() (out Shared) {
	p := ev.l.project
	out = Shared{Path: p.src.files[0].name, Every: map[string]time.Duration{}}
	s := ev.newScope(p.src, "project.", nil)
	for _, d := range p.shared {
		b := s.decode(d, instance{addr: s.prefix + d.key})
		if d.kind.name == "archive" {
			out.Archive = b.archiveURL(p.src.dir)
			continue
		}
		out.Trackers = append(out.Trackers, Tracker{Type: d.typ, Name: d.name, Config: b.conf})
	}
	for _, d := range p.tiers {
		if every := s.decode(d, instance{addr: d.key}).every(); every > 0 {
			out.Every[d.name] = every
		}
	}
	return out
}

// archiveURL is where the archive is: a path is relative to the project file.
func (b *body) archiveURL(dir string) string {
	at := b.str("url")
	if at == "" || regexp.MustCompile(`^\w+://`).MatchString(at) || filepath.IsAbs(at) {
		return at
	}
	return filepath.Join(dir, at)
}

// every is how often the scenarios of a tier have to be tried; 0 where it does not say.
func (b *body) every() time.Duration {
	text := b.str("every")
	if text == "" {
		return 0
	}
	d, err := ParseDays(text)
	if err != nil {
		b.fail("every", fmt.Sprintf("%q is no length of time", clip(text)), "%s.", upperFirst(err.Error()))
	}
	return d
}

// ParseDays reads a length of time that may be given in weeks and days, which are of 24 hours: "13w", "90d", "36h".
func ParseDays(text string) (time.Duration, error) {
	days := map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	if n := len(text); n > 1 && days[text[n-1:]] != 0 {
		count, err := strconv.ParseUint(text[:n-1], 10, 16)
		if err != nil || count == 0 {
			return 0, fmt.Errorf("write one such as 90d, 13w or 36h")
		}
		return time.Duration(count) * days[text[n-1:]], nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("write one such as 90d, 13w or 36h")
	}
	return d, nil
}

// ReadShared finds the project file of a directory and reads what commands need of it that look at many runs.
func ReadShared(dir string) (Shared, map[string]*hcl.File, hcl.Diagnostics) {
	l := &loader{opts: Options{Environ: os.Environ()}, files: map[string]*hcl.File{}, broken: map[string]bool{}, sources: map[string]*source{}, plugins: map[string]*plugin{},
		infos: map[string]described{}, specs: Catalog{}.Cached().specs, tiers: map[string]*decl{},
		funcs: map[*source]map[string]function.Function{}, reads: map[string]string{}}
	l.root = &source{dir: dir, byKey: map[string]*decl{}}
	l.root.abs, _ = filepath.Abs(dir)
	l.readProject()
	if l.project == nil {
		return Shared{}, nil, nil
	}
	ev := l.newEvaluator(&plan.Draft{}, nil)
	out := ev.shared()
	return out, maps.Clone(l.files), l.tidy(append(append(onlyFirst(l.syntax), l.sound(l.diags)...), l.sound(ev.diags)...))
}
