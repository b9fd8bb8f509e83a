package kubernetes

import (
	"context"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// roleName is how the roles are called that are printed.
const roleName = "gameday"

// lacking says which permissions a block needs and does not have, with the role that would do.
func (s *session) lacking(ctx context.Context, block string, needs []access.Need) ([]sdk.Problem, error) {
	missing, err := s.access.Missing(ctx, needs)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	role, err := access.Manifest(roleName, missing)
	if err != nil {
		return nil, err
	}
	who := s.access.WhoAmI(ctx)
	return []sdk.Problem{{
		Severity: sdk.Error, Permission: access.List(missing),
		Summary: fmt.Sprintf("%s needs permissions that %s does not have in %s", block, who, s.cluster.Server),
		Detail:  fmt.Sprintf("Apply this and bind it to %s:\n%s", who, role),
	}}, nil
}
