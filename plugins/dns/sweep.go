package dns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/divert"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/resolver"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Every fault names itself where it stands: a table by its name and a comment on its rules, a rule of the resolver by its
// ID. So nothing is written down anywhere else, and a sweep asks the kernel and the resolver.

func handleID(req sdk.Request) string { return strings.TrimPrefix(req.Run+"/"+req.ID, "/") }

// tableName has the run in it for people, and a digest of what would make it too long.
func tableName(req sdk.Request, target string) string {
	sum := sha256.Sum256([]byte(req.Run + "\x00" + req.ID + "\x00" + target))
	run := regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(req.Run, "_")
	return divert.Prefix + strings.TrimPrefix(run[:min(len(run), 40)]+"-", "-") + hex.EncodeToString(sum[:5])
}

// comment is written on the rules.
func comment(req sdk.Request) string {
	const most = 200 // the kernel keeps 256 bytes, and they have a header
	text := strings.Join([]string{"gameday", "dns_failure", req.Run, handleID(req)}, " ")
	return text[:min(len(text), most)]
}

func readComment(text string) (run, id string) {
	if f := strings.SplitN(text, " ", 4); len(f) == 4 && f[0] == "gameday" {
		return f[2], f[3]
	}
	return "", text
}

// sweep finds every table of ours in every namespace, and every rule of the resolver.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	out, errs := []sdk.Handle{}, []error{}
	if has(unix.CAP_NET_ADMIN) { // without it none was made
		for _, path := range netns.Everywhere() {
			more, err := tablesIn(path)
			if err != nil && !unseen(err) {
				errs = append(errs, fmt.Errorf("looking into the network namespace %s: %w", path, err))
			}
			out = append(out, more...)
		}
	}
	more, err := p.rules(ctx)
	return append(out, more...), errors.Join(append(errs, err)...)
}

func tablesIn(path string) ([]sdk.Handle, error) {
	ref, err := netns.Find(path)
	if err != nil {
		return nil, err
	}
	ns, err := ref.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = ns.Close() }()
	names, err := divert.Find(ns)
	var out []sdk.Handle
	for _, name := range names {
		v, errLook := divert.Look(ns, name)
		err = errors.Join(err, errLook)
		if errLook != nil || !v.There {
			continue
		}
		run, id := readComment(v.Comment)
		d := &diverted{Namespace: ref, Table: name, Comment: v.Comment}
		h, errHandle := unmarked(id, run, item{Traffic: d}, d.byHand())
		err = errors.Join(err, errHandle)
		out = append(out, h)
	}
	return out, err
}

func (p *provider) rules(ctx context.Context) ([]sdk.Handle, error) {
	c := p.resolver()
	info, err := c.Info(ctx)
	if errors.Is(err, resolver.ErrNone) {
		return nil, nil
	}
	var out []sdk.Handle
	for _, e := range info.Rules {
		d := &ruled{Control: c.Socket, ID: info.ID, Rule: e.ID}
		h, errHandle := unmarked(e.ID, e.Run, item{Resolver: d}, d.byHand())
		err = errors.Join(err, errHandle)
		out = append(out, h)
	}
	return out, err
}

// unmarked is the handle of a fault of which only what is seen of it is known. That is enough to undo it.
func unmarked(id, run string, i item, steps []string) (sdk.Handle, error) {
	b, err := json.Marshal(undo{Items: []item{i}})
	if err != nil {
		return sdk.Handle{}, fmt.Errorf("writing the handle of %s: %w", id, err)
	}
	return sdk.Handle{ID: id, Run: run, Plugin: "dns", Version: Version, Fault: "dns_failure", Undo: b, Steps: steps}, nil
}

// unseen says that a namespace has ended meanwhile, or is not made yet, or is not ours to see.
func unseen(err error) bool {
	for _, is := range []error{fs.ErrNotExist, fs.ErrPermission, netns.ErrGone, netns.ErrNone} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}
