package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// What follows is the part of SARIF 2.1.0 (OASIS) that code hosts and editors read.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Automation  sarifID           `json:"automationDetails"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		Column      string            `json:"columnKind"`
		Properties  map[string]string `json:"properties"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Full  string      `json:"fullName"`
		URI   string      `json:"informationUri"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
		Full  sarifText `json:"fullDescription"`
		Help  sarifText `json:"help"`
		URI   string    `json:"helpUri"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifID struct {
		ID string `json:"id"`
	}
	sarifInvocation struct {
		Successful bool   `json:"executionSuccessful"`
		Exit       int    `json:"exitCode"`
		Means      string `json:"exitCodeDescription"`
		Start      string `json:"startTimeUtc,omitempty"`
		End        string `json:"endTimeUtc,omitempty"`
	}
	sarifResult struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
		Properties   map[string]any    `json:"properties"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region"`
	}
	sarifRegion struct {
		Line int `json:"startLine"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	homePage    = "https://github.com/gameday-toolkit/gameday"
)

// SARIF writes the findings as results at the lines of the scenario, each with its rule's page.
func SARIF(w io.Writer, m *Model) error {
	r := sarifRun{Results: []sarifResult{}, Column: "unicodeCodePoints", Invocations: []sarifInvocation{m.sarifInvocation()}}
	r.Tool.Driver = sarifDriver{Name: "gameday", Full: orElse(m.Run.Tool, tool), URI: homePage, Rules: []sarifRule{}}
	// The category by which a host replaces the results of an earlier run; what follows the last slash is this run's own.
	r.Automation.ID = strings.Join([]string{"gameday", orElse(m.plan().Scenario.Name, "unnamed"), orElse(m.plan().Scenario.Environment, "default"), m.Run.ID}, "/")
	r.Properties = map[string]string{"verdict": headlineKey(m.headline()), "run": m.Run.ID, "planHash": m.Run.PlanHash, "journalHash": m.Journal.Hash}
	for _, f := range m.findingCards(nil) {
		i := slices.IndexFunc(r.Tool.Driver.Rules, func(x sarifRule) bool { return x.ID == f.Rule })
		if i < 0 {
			i = len(r.Tool.Driver.Rules)
			r.Tool.Driver.Rules = append(r.Tool.Driver.Rules, sarifRuleOf(f.Finding))
		}
		r.Results = append(r.Results, m.sarifResult(f.Finding, i))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{r}}); err != nil {
		return fmt.Errorf("writing the findings as SARIF: %w", err)
	}
	return nil
}

func (m *Model) sarifInvocation() sarifInvocation {
	h := m.headline()
	i := sarifInvocation{Successful: m.result().Exit <= 1, Exit: m.result().Exit, Means: h.Word + ", " + h.Means}
	if !m.Run.Started.IsZero() {
		i.Start, i.End = m.Run.Started.UTC().Format(time.RFC3339Nano), m.Run.Started.Add(m.Run.Length).UTC().Format(time.RFC3339Nano)
	}
	return i
}

// sarifRuleOf describes a finding's rule, from the catalogue where it is there.
func sarifRuleOf(f backlog.Finding) sarifRule {
	rule := sarifRule{ID: f.Rule, Short: sarifText{Text: orElse(f.Title, f.Rule)}, Full: sarifText{Text: orElse(f.Title, f.Rule)}, Help: sarifText{Text: orElse(f.Remedy, f.Title)},
		URI: homePage + "/blob/main/docs/findings.md#" + strings.ToLower(url.PathEscape(f.Rule))}
	for _, p := range backlog.Catalogue() {
		if p.ID == f.Rule {
			rule.Short.Text, rule.Full.Text, rule.Help = p.Title, strings.Join(strings.Fields(p.Text), " "), sarifText{Text: p.Text, Markdown: p.Text}
		}
	}
	return rule
}

func (m *Model) sarifResult(f backlog.Finding, rule int) sarifResult {
	r := sarifResult{Rule: f.Rule, Index: rule, Level: sarifLevel(f.Severity), Message: sarifText{Text: orElse(strings.TrimSpace(f.Title+". "+f.Detail), f.Rule)},
		Properties: map[string]any{"severity": f.Severity, "scenario": f.Scenario, "remedy": f.Remedy, "owner": f.Owner, "service": f.Service, "entries": list(f.Entries)}}
	if f.Remedy != "" {
		r.Message.Text += " What usually helps: " + f.Remedy
	}
	if f.Fingerprint != "" {
		r.Fingerprints = map[string]string{"gamedayFinding/v1": f.Fingerprint}
	}
	l := sarifLocation{Logical: []sarifLogical{{Name: orElse(f.Subject, f.Rule), Kind: "object"}}}
	if file := m.sourceOf(f.Pos); file != "" {
		l.Physical = &sarifPhysical{}
		l.Physical.Artifact.URI = (&url.URL{Path: file}).EscapedPath()
		l.Physical.Region = &sarifRegion{Line: max(1, f.Pos.Line)}
	}
	r.Locations = []sarifLocation{l}
	return r
}

// sourceOf is a position's file from the top of the repository. One whose scenario had none, or that comes from elsewhere,
// stays as it was read. A finding that is of no block points at the scenario's first file.
func (m *Model) sourceOf(p plan.Pos) string {
	file := p.File
	if file == "" {
		for _, f := range m.plan().Files {
			if !strings.HasPrefix(f.Name, "..") {
				file = f.Name
				break
			}
		}
	}
	return m.fileOf(plan.Pos{File: file})
}

func (m *Model) fileOf(p plan.Pos) string {
	if p.File == "" || path.IsAbs(p.File) {
		return p.File
	}
	return path.Join(m.Run.Source, p.File)
}

// where names a line of the scenario for people.
func (m *Model) where(p plan.Pos) string {
	if p.File == "" {
		return ""
	}
	return m.fileOf(p) + ":" + strconv.Itoa(p.Line)
}

func sarifLevel(severity string) string {
	switch severity {
	case "critical", "high":
		return "error"
	case "medium":
		return "warning"
	}
	return "note"
}
