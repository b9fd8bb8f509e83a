package lang

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Bind finds the place of a problem that a plugin has with a block, which it names by attribute path. addr is the
// block's address in the draft, or plugin.KEY.
func (m *Module) Bind(addr string, p sdk.Problem) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: strings.TrimSuffix(p.Summary, "."), Detail: p.Detail, Subject: at(m.l.root.dir)}
	if p.Severity == sdk.Warning {
		d.Severity = hcl.DiagWarning
	}
	if p.Permission != "" {
		d.Detail = strings.TrimSpace(d.Detail + " The missing permission is " + p.Permission + ".")
	}
	if found := m.find(addr); found != nil {
		rng := rangeOf(found.block, p.Path)
		d.Subject = &rng
	}
	return d
}

// find looks an address up: experiment.a["k"].fault.T.N["k"], project.limit.N, plugin.KEY.
func (m *Module) find(addr string) *decl {
	src, parts := m.root, splitAddress(addr)
	if len(parts) > 0 && parts[0] == "project" && m.l.project != nil {
		src, parts = m.l.project.src, parts[1:]
	}
	for len(parts) > 2 && parts[0] == "experiment" {
		d := src.byKey["experiment."+parts[1]]
		if d == nil || d.child == nil {
			return d
		}
		src, parts = d.child, parts[2:]
	}
	if d := src.byKey[strings.Join(parts, ".")]; d != nil && d.block != nil {
		return d
	}
	return nil
}

// splitAddress splits at the dots outside of keys, and drops the keys.
func splitAddress(addr string) (parts []string) {
	var cur strings.Builder
	for len(addr) > 0 {
		switch c := addr[0]; c {
		case '.':
			parts = append(parts, cur.String())
			cur.Reset()
			addr = addr[1:]
		case '[':
			key, err := strconv.QuotedPrefix(addr[1:])
			if err != nil {
				return nil
			}
			addr = strings.TrimPrefix(addr[1+len(key):], "]")
		default:
			cur.WriteByte(c)
			addr = addr[1:]
		}
	}
	return append(parts, cur.String())
}

// rangeOf is the place of a path in a block: as far as the path can be followed.
func rangeOf(b *hcl.Block, path []string) hcl.Range {
	rng, body := b.DefRange, b.Body
	for len(path) > 0 && path[0] != "" {
		if blocks := blocksOf(body, path[0]); len(blocks) > 0 {
			i := 0
			path = path[1:]
			if len(path) > 0 {
				if n, err := strconv.Atoi(path[0]); err == nil {
					path, i = path[1:], max(0, min(n, len(blocks)-1))
				}
			}
			rng, body = blocks[i].DefRange, blocks[i].Body
			continue
		}
		content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: path[0]}}})
		if a := content.Attributes[path[0]]; a != nil {
			return rangeIn(a.Expr, path[1:])
		}
		return rng
	}
	return rng
}

// rangeIn follows a path into a list or an object.
func rangeIn(e hcl.Expression, path []string) hcl.Range {
	if len(path) == 0 {
		return e.Range()
	}
	if list, diags := hcl.ExprList(e); !diags.HasErrors() {
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(list) {
			return rangeIn(list[i], path[1:])
		}
	}
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() {
		for _, p := range pairs {
			if k, diags := p.Key.Value(nil); !diags.HasErrors() && k.Type() == cty.String && k.IsKnown() && !k.IsNull() && k.AsString() == path[0] {
				return rangeIn(p.Value, path[1:])
			}
		}
	}
	return e.Range()
}

// blocksOf are the blocks of a type in a body. In JSON any object looks like a block, so the name must be one.
func blocksOf(body hcl.Body, name string) hcl.Blocks {
	content, _, diags := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: name}}})
	if diags.HasErrors() {
		return nil
	}
	return content.Blocks
}
