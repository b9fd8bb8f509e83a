package environment

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAHaltHoldsUntilItIsLifted(t *testing.T) {
	s := State{Root: t.TempDir()}
	h, err := s.Halted("staging")
	require.NoError(t, err)
	require.Nil(t, h)

	require.NoError(t, s.Halt(Halt{Environment: "staging", Reason: "an incident", By: "ada", Since: time.Now()}))
	h, err = s.Halted("staging")
	require.NoError(t, err)
	require.Contains(t, h.String(), `the environment "staging" has been halted by ada`)
	require.Contains(t, h.String(), "an incident")
	h, err = s.Halted("production")
	require.NoError(t, err)
	require.Nil(t, h, "of another environment")

	h, err = s.Resume("staging")
	require.NoError(t, err)
	require.Equal(t, "an incident", h.Reason)
	h, err = s.Resume("staging")
	require.NoError(t, err)
	require.Nil(t, h, "there was none")
}

func TestAHaltOfEverythingHoldsEverywhere(t *testing.T) {
	s := State{Root: t.TempDir()}
	require.NoError(t, s.Halt(Halt{Reason: "a real fire", By: "ada", Since: time.Now()}))
	for _, name := range []string{"staging", "never used"} {
		h, err := s.Halted(name)
		require.NoError(t, err)
		require.Contains(t, h.String(), "every environment")
	}
	h, err := s.Resume("staging")
	require.NoError(t, err)
	require.Nil(t, h, "one environment cannot lift what holds in all")
	h, err = s.Halted("staging")
	require.NoError(t, err)
	require.NotNil(t, h)
}

func TestADamagedHaltIsNoPermission(t *testing.T) {
	s := State{Root: t.TempDir()}
	require.NoError(t, s.Halt(Halt{Environment: "e", Reason: "x", By: "ada"}))
	require.NoError(t, os.WriteFile(s.halt("e"), nil, 0o600))
	_, err := s.Halted("e")
	require.ErrorContains(t, err, "halt.json")
	_, err = s.Resume("e")
	require.NoError(t, err)
	h, err := s.Halted("e")
	require.NoError(t, err)
	require.Nil(t, h)
}
