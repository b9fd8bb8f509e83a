package reports

import (
	"strconv"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// fact is one line about the run's surroundings. Code facts are set in a fixed-width face and may be broken anywhere.
type fact struct {
	Name, Value string
	Code        bool
}

func (m *Model) facts() []fact {
	s := m.plan().Scenario
	var out []fact
	add := func(name, value string, code bool) {
		if value != "" {
			out = append(out, fact{name, value, code})
		}
	}
	add("Scenario", s.Name, true)
	add("Service", s.Service, false)
	add("Owner", s.Owner, false)
	add("Tier", s.Tier, false)
	add("Tags", strings.Join(s.Tags, ", "), false)
	add("Environment", s.Environment, false)
	add("Run", m.Run.ID, true)
	if !m.Run.Started.IsZero() {
		add("Started", m.Run.Started.UTC().Format("2006-01-02 15:04:05.000 UTC"), false)
	}
	add("Took", Duration(m.Run.Length), false)
	add("On", m.Run.Host, false)
	add("By", m.Run.User, false)
	add("Approved by", approvals(m.Run.Approved), false)
	add("Source", m.Run.Source, true)
	add("Tool", m.Run.Tool, false)
	for _, p := range m.plan().Plugins {
		add("Plugin "+p.Key(), strings.TrimSpace(p.Found+" "+p.SHA256), true)
	}
	add("Seed", strconv.FormatInt(m.Run.Seed, 10), true)
	add("Plan hash", m.Run.PlanHash, true)
	add("Journal hash", m.Journal.Hash, true)
	add("Journal", m.journalInWords(), false)
	for _, f := range m.plan().Files {
		add("File "+f.Name, f.SHA256, true)
	}
	return out
}

func approvals(all []journal.Approval) string {
	var names []string
	for _, a := range all {
		name := a.By + " (their word)"
		if a.Signed {
			name = a.By + " (signed " + a.At.UTC().Format("2006-01-02 15:04 UTC") + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func (m *Model) journalInWords() string {
	words := m.journalEnd()
	if m.Journal.Entries > 0 {
		words = Count(m.Journal.Entries) + " entries, " + words
	}
	return strings.TrimSuffix(words, ", ")
}

func (m *Model) journalEnd() string {
	words := map[string]string{
		Complete: "complete, with an unbroken hash chain",
		Cut:      "cut short: no entry says that the run ended",
		Damaged:  "damaged: the hash chain is broken",
	}[m.Journal.End]
	if m.Journal.Detail == "" || words == "" {
		return words + m.Journal.Detail
	}
	return words + ", " + m.Journal.Detail
}
