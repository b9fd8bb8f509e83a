package lang

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// carriageReturns ends a line of another system, or of one that was converted twice.
var carriageReturns = regexp.MustCompile(`\r+\n`)

// Format writes a file in the canonical style. A file with a mistake of syntax is not touched, and neither is JSON.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	_, diags := parseSource(src, filename)
	if diags.HasErrors() || strings.HasSuffix(filename, ".json") {
		return src, diags
	}
	out := bytes.Clone(src)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	out = carriageReturns.ReplaceAll(out, []byte("\n"))
	for range 4 { // the formatter aligns one thing after the other; what it has done once it leaves alone
		next := hclwrite.Format(out)
		if bytes.Equal(next, out) {
			break
		}
		out = next
	}
	return out, nil
}
