package backlog

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// The catalogue says for each rule what it means and what usually helps. It is one file for each rule:
//
//	# Title                          the title of a finding
//	text                             what the rule means, and when it fires
//	## Remedy                        what usually helps
//	## Remedy: detection             instead, where that part of the recovery time dominated
//	## Remedy: detection, dns        instead, where the fault's type also has that word: lab_dns_failure
//	## Remedy: dns                   instead, where the fault's type has that word
//
// The remedy that fits with the most words is taken.

//go:embed catalogue/*.md
var catalogueFiles embed.FS

// Page is one rule's page of the catalogue.
type Page struct {
	ID, Title, Text string
	remedies        []remedy
}

type remedy struct {
	words []string // all must fit
	text  string
}

// Catalogue gives the pages in the order of the rules. It panics on a page that is missing or malformed, which is our bug.
func Catalogue() []Page {
	var pages []Page
	for _, r := range rules() {
		b, err := catalogueFiles.ReadFile("catalogue/" + r.id + ".md")
		if err != nil {
			panic("backlog: " + err.Error())
		}
		pages = append(pages, parsePage(r.id, string(b)))
	}
	return pages
}

func parsePage(id, text string) Page {
	sections := strings.Split("\n"+text, "\n## Remedy")
	title, body, ok := strings.Cut(strings.TrimSpace(sections[0]), "\n")
	if !ok || !strings.HasPrefix(title, "# ") || len(sections) < 2 {
		panic(fmt.Sprintf("backlog: catalogue/%s.md has no title, no text or no remedy", id))
	}
	p := Page{ID: id, Title: strings.TrimPrefix(title, "# "), Text: strings.TrimSpace(body)}
	for _, s := range sections[1:] {
		head, body, _ := strings.Cut(s, "\n")
		r := remedy{text: strings.TrimSpace(body)}
		for _, w := range strings.Split(strings.TrimPrefix(head, ":"), ",") {
			if w = strings.TrimSpace(w); w != "" {
				r.words = append(r.words, w)
			}
		}
		p.remedies = append(p.remedies, r)
	}
	return p
}

// remedy chooses by the part of the recovery time that dominated and the words of the fault's type.
func (p Page) remedy(part, faultType string) string {
	have := append(strings.Split(faultType, "_"), part)
	best, most := "", -1
	for _, r := range p.remedies {
		fits := !slices.ContainsFunc(r.words, func(w string) bool { return !slices.Contains(have, w) })
		if fits && len(r.words) > most {
			best, most = r.text, len(r.words)
		}
	}
	return strings.Join(strings.Fields(best), " ")
}

// Reference is the page of the documentation on all rules.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Findings\n\n" + referenceHead)
	pages := Catalogue()
	for _, p := range pages {
		fmt.Fprintf(&b, "- [%s](#%s) %s\n", p.ID, strings.ToLower(p.ID), p.Title)
	}
	for _, p := range pages {
		fmt.Fprintf(&b, "\n## %s\n\n**%s**\n\n%s\n", p.ID, p.Title, p.Text)
		for _, r := range p.remedies {
			if len(r.words) == 0 {
				fmt.Fprintf(&b, "\n*What usually helps.* %s\n", r.text)
			} else {
				fmt.Fprintf(&b, "\n*Where it is about %s.* %s\n", strings.Join(r.words, " and "), r.text)
			}
		}
	}
	return b.String()
}

const referenceHead = `A finding is one miss that somebody can work on. This page is generated from the catalogue in internal/backlog/catalogue,
which is also where the remedies in the reports come from.

The fingerprint of a finding is sha256(scenario, rule, subject): the same miss next quarter is the same item, whatever its
figures. The severity is one of low, medium, high and critical. It comes from the rule and from how far the objective was
missed (twice the limit or more counts for one step), and goes up by one step for a service of the tier gold, platinum,
critical or tier-1, and down by one for bronze, low or tier-3. What becomes of a finding from run to run is the
[backlog](backlog.md).

`
