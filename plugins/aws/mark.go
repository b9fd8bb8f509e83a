package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// What this plugin makes carries three tags. What it changes carries one, "gameday:undo:" and the kind of the change, whose
// value says which fault it is and what was there before: a mark. It is put on before the change and taken off after the change is
// undone, so whatever carries none is not ours. AWS allows 256 characters in a tag's value, and not every character.
const (
	tagRun    = "gameday:run"
	tagFault  = "gameday:fault"
	tagHandle = "gameday:handle"
	tagUndo   = "gameday:undo:"

	maxTagValue = 256
)

// mark says whose a change is.
type mark struct {
	Handle, Run, Fault string
	// Held says that the resource carries the mark, or that the kind keeps none.
	Held bool
}

func markOf(h sdk.Handle) mark { return mark{Handle: h.ID, Run: h.Run, Fault: h.Fault} }

// created are the tags of what is made for a fault.
func (m mark) created() map[string]string {
	return map[string]string{tagRun: tagValue(m.Run, maxTagValue), tagFault: m.Fault, tagHandle: m.handleTag()}
}

// handleTag is the handle's ID as it stands in a tag.
func (m mark) handleTag() string { return tagValue(m.Handle, 150) }

// made says whether tags are those of this fault.
func (m mark) made(tags map[string]string) bool { return tags[tagHandle] == m.handleTag() }

// undoValue is the value of the mark on a resource that is changed. The note says what was there before, and may be left
// out where it does not fit: then only the journal knows.
func (m mark) undoValue(note string, room int) string {
	head := strings.Join([]string{m.Fault, tagValue(m.Run, 40), m.handleTag()}, " ")
	value := head + " " + tagValue(note, room)
	if len(value) > room {
		return head
	}
	return value
}

// readMark reads the value of such a mark.
func readMark(value string) (m mark, note string, ok bool) {
	f := strings.SplitN(value, " ", 4)
	if len(f) < 3 {
		return mark{}, "", false
	}
	m = mark{Fault: f[0], Run: fromTag(f[1]), Handle: fromTag(f[2]), Held: true}
	if len(f) == 4 {
		note = fromTag(f[3])
	}
	return m, note, true
}

// tagValue writes a text with the characters that the tags of every service take. What is longer than the limit becomes a
// digest, which still tells one from another.
func tagValue(text string, limit int) string {
	var out strings.Builder
	for _, r := range text {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.:/+-", r)) {
			out.WriteRune(r)
			continue
		}
		for _, b := range []byte(string(r)) {
			fmt.Fprintf(&out, "=%02X", b)
		}
	}
	if out.Len() > limit {
		sum := sha256.Sum256([]byte(text))
		return "sha256:" + hex.EncodeToString(sum[:16])
	}
	return out.String()
}

// fromTag reads what tagValue wrote.
func fromTag(value string) string {
	var out []byte
	for i := 0; i < len(value); i++ {
		if value[i] == '=' && i+2 < len(value) {
			if b, err := hex.DecodeString(value[i+1 : i+3]); err == nil {
				out = append(out, b[0])
				i += 2
				continue
			}
		}
		out = append(out, value[i])
	}
	return string(out)
}

// shelf is where the resources of a service keep their tags. Resources are named by ARN.
type shelf struct {
	// needs are the permissions of reading and writing them.
	needs []need
	// room is how long a tag's value may be, where that is not what AWS allows everywhere.
	room int
	// read returns the tags; none for a resource that is gone.
	read   func(context.Context, *site, string) (map[string]string, error)
	write  func(context.Context, *site, string, map[string]string) error
	remove func(context.Context, *site, string, map[string]string) error
	// find returns everything that carries the key, with its tags, by ARN.
	find func(context.Context, *site, string) (map[string]map[string]string, error)
}

// holder reads the mark of a kind on a resource.
func (p part) holder(ctx context.Context, s *site, arn string) (m mark, value string, err error) {
	if p.shelf == nil {
		return mark{}, "", nil
	}
	tags, err := p.shelf.read(ctx, s, arn)
	if err != nil {
		return mark{}, "", fmt.Errorf("reading the tags of %s: %w", arn, err)
	}
	value = tags[p.tag()]
	m, _, _ = readMark(value)
	return m, value, nil
}

func (p part) tag() string { return tagUndo + strings.TrimPrefix(p.name, "aws_") }

// signature is the tag by which people know what the kind holds, if it marks anything.
func (p part) signature() string {
	if p.shelf == nil {
		return ""
	}
	return p.tag()
}

// claim puts the mark on a resource, unless another fault's is there.
func (p part) claim(ctx context.Context, s *site, m mark, c change) error {
	if p.shelf == nil {
		return nil
	}
	defer s.marking.lock(c.ARN)()
	holder, _, err := p.holder(ctx, s, c.ARN)
	if err != nil {
		return err
	}
	if holder.Handle != "" && holder.handleTag() != m.handleTag() {
		return fmt.Errorf("%s is held by %s: undo that first, with gameday recover or gameday sweep", c.ARN, holder.Handle)
	}
	value := m.undoValue(c.Note, cmp.Or(p.shelf.room, maxTagValue))
	if err := p.shelf.write(ctx, s, c.ARN, map[string]string{p.tag(): value}); err != nil {
		return fmt.Errorf("marking %s: %w", c.ARN, err)
	}
	return poll(ctx, p.slow, "the mark on "+c.ARN+" to be readable", func(ctx context.Context) (bool, error) {
		_, now, err := p.holder(ctx, s, c.ARN)
		if err == nil && now != "" && now != value {
			err = fmt.Errorf("%s was marked by another fault in the same moment", c.ARN)
		}
		return now == value, err
	})
}

// unmark takes the mark off, and waits until nobody reads it any more.
func (p part) unmark(ctx context.Context, s *site, m mark, c change) error {
	if p.shelf == nil {
		return nil
	}
	holder, value, err := p.holder(ctx, s, c.ARN)
	if err != nil || holder.handleTag() != m.handleTag() {
		return err
	}
	if err := p.shelf.remove(ctx, s, c.ARN, map[string]string{p.tag(): value}); err != nil && !missing(err) {
		return fmt.Errorf("taking the mark off %s: %w", c.ARN, err)
	}
	return poll(ctx, p.slow, "the mark on "+c.ARN+" to be gone", func(ctx context.Context) (bool, error) {
		_, now, err := p.holder(ctx, s, c.ARN)
		return now != value, err
	})
}
