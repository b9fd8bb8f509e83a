package lang

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// freezes are the times of a limit in which nothing may run.
func (b *body) freezes() (out []plan.Freeze) {
	all, _ := b.core["freeze"].([]any)
	for _, one := range all {
		m, _ := one.(map[string]any)
		f := plan.Freeze{Reason: text(m, "reason")}
		var err error
		if f.From, err = moment(text(m, "from"), false); err == nil {
			f.To, err = moment(text(m, "to"), true)
		}
		switch {
		case err != nil:
			b.fail("freeze", "A freeze has no such day", "%s. Write a day such as \"2026-12-15\" or \"2026-12-15 Europe/Zurich\", or a moment such as \"2026-12-15T18:00:00+01:00\".", upperFirst(err.Error()))
		case !f.From.Before(f.To):
			b.fail("freeze", "A freeze ends before it begins", "It is from %s to %s: exchange them.", text(m, "from"), text(m, "to"))
		}
		out = append(out, f)
	}
	return out
}

// moment reads a moment, or a day with its time zone: the beginning of it, or with end the beginning of the next one.
func moment(s string, end bool) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	day, zone, _ := strings.Cut(s, " ")
	zone = strings.TrimSpace(zone)
	at, err := time.LoadLocation(zone) // UTC where there is none
	if err != nil || strings.EqualFold(zone, "local") {
		return time.Time{}, fmt.Errorf("the time zone %q is not known", zone)
	}
	t, err := time.ParseInLocation(time.DateOnly, day, at)
	if err != nil {
		return t, fmt.Errorf("%q is no day", s)
	}
	if end {
		t = t.AddDate(0, 0, 1)
	}
	return t.UTC(), nil
}

// approvalNamespace is what approvals are signed in: internal/approval.
const approvalNamespace = "gameday-approval"

// principals cuts the first word off a line, which may be in quotes.
func principals(line string) (who, rest string) {
	if quoted, found := strings.CutPrefix(line, `"`); found {
		who, rest, _ = strings.Cut(quoted, `"`)
		return who, strings.TrimSpace(rest)
	}
	if end := strings.IndexAny(line, " \t"); end >= 0 {
		return line[:end], strings.TrimSpace(line[end:])
	}
	return line, ""
}

// maySign says whether the options of a key, if they name namespaces, name ours. Patterns are left to ssh-keygen.
func maySign(options []string) bool {
	for _, o := range options {
		name, list, _ := strings.Cut(o, "=")
		if strings.EqualFold(name, "namespaces") && !strings.Contains(list, approvalNamespace) && !strings.ContainsAny(list, "*?") {
			return false
		}
	}
	return true
}

// approvers checks each line of an allowed_signers file: principals, perhaps options, and a public key.
func (b *body) approvers() string {
	list := b.str("approvers")
	found := false
	for n, line := range strings.Split(list, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		found = true
		who, rest := principals(line)
		_, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
		switch {
		case err != nil:
			b.fail("approvers", fmt.Sprintf("Line %d of the approvers is not an allowed signer", n+1),
				"It begins with %q. Write the person and the public key: ada@example.org ssh-ed25519 AAAA...", clip(who))
		case !maySign(options):
			b.fail("approvers", fmt.Sprintf("Line %d of the approvers allows no approval", n+1),
				"%q may sign in other namespaces only. Write namespaces=\"%s\", or leave it out.", clip(who), approvalNamespace)
		}
	}
	if b.has("approvers") && !found {
		b.fail("approvers", "The list of approvers is empty", "Nobody could ever approve. Name at least one: ada@example.org ssh-ed25519 AAAA...")
	}
	return list
}
