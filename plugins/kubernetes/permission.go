package kubernetes

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// roleName is how the roles of a whole scenario are called.
const roleName = "gameday"

// nameOfRole is how a role is called that adds what one block lacks: it must not take the place of one that adds something else.
func nameOfRole(block string, missing []access.Need) string {
	sum := sha256.Sum256([]byte(access.List(missing)))
	return fmt.Sprintf("gameday-%s-%x", strings.ReplaceAll(block, "_", "-"), sum[:3])
}

// lacking says which permissions a block needs and does not have, with the role that would do.
func (s *session) lacking(ctx context.Context, block string, needs []access.Need) ([]sdk.Problem, error) {
	missing, err := s.access.Missing(ctx, needs)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	role, err := access.Manifest(nameOfRole(block, missing), missing)
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
