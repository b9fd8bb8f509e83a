package sdk

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whether the turn is free or not, a call that its caller has given up never begins: select would let it in every other
// time.
func TestACallThatWasGivenUpNeverBegins(t *testing.T) {
	s := &Session{held: map[string]*held{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		_, _, err := s.enter(ctx, Handle{ID: "h"})
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Empty(t, s.held, "and nothing is left of it")
	_, leave, err := s.enter(t.Context(), Handle{ID: "h"})
	require.NoError(t, err)
	leave()
}
