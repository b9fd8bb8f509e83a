package wiring

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/gameday-toolkit/gameday/internal/lang"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// bind turns notices, which name a block and the path of an attribute, into diagnostics with the range in the source. What
// a plugin says may quote its configuration, so secrets are taken out.
func bind(m *lang.Module, notices []plan.Notice, secrets map[string]string) (diags hcl.Diagnostics) {
	for _, n := range notices {
		d := m.Bind(n.Addr, n.Problem)
		d.Summary, d.Detail = plan.Redact(d.Summary, secrets), plan.Redact(d.Detail, secrets)
		diags = append(diags, d)
	}
	return diags
}
