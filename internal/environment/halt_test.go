package environment

import (
	"os"
	"strings"
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
	for _, name := range []string{"e", ""} {
		for _, text := range []string{"", "null", "{}", `{"reason":`} {
			require.NoError(t, s.Halt(Halt{Environment: name, Reason: "x", By: "ada", Since: time.Now()}))
			require.NoError(t, os.WriteFile(s.halt(name), []byte(text), 0o600))
			_, err := s.Halted("e")
			var damaged *DamagedError
			require.ErrorAs(t, err, &damaged, text)
			require.Equal(t, name, damaged.Environment, "which of the two has to be lifted")
			require.ErrorContains(t, err, s.halt(name))
			h, err := s.Resume(name)
			require.NoError(t, err)
			require.Contains(t, h.String(), "could not be read")
			h, err = s.Halted("e")
			require.NoError(t, err)
			require.Nil(t, h)
		}
	}
}

func TestAReasonStaysOnItsLine(t *testing.T) {
	h := Halt{Environment: "e", By: "ada", Reason: "first\nsecond\x1b[2J  third", Since: time.Now()}
	require.True(t, strings.HasSuffix(h.String(), ": first second [2J third"), h.String())
}

func TestEnvironmentsThatWereUsedAreKnown(t *testing.T) {
	s := State{Root: t.TempDir()}
	names, err := s.Known()
	require.NoError(t, err)
	require.Empty(t, names)
	used := []string{"", ".hidden", "a/b c", "production", "100%"}
	for _, name := range used {
		lock, err := s.Acquire(t.Context(), name, Holder{})
		require.NoError(t, err)
		require.NoError(t, lock.Release())
	}
	require.NoError(t, s.Halt(Halt{Environment: "prodution", Reason: "x", By: "ada", Since: time.Now()}))
	names, err = s.Known()
	require.NoError(t, err)
	require.ElementsMatch(t, used, names, "one that was only halted may be misspelt")
}
