package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPrintedCommandCanBeCopiedIntoAShell(t *testing.T) {
	for path, want := range map[string]string{
		"my-first":        "my-first",
		"/runs/2026-1_a":  "/runs/2026-1_a",
		"my first":        "'my first'",
		"-dash":           "./-dash",
		"-a dash":         "'./-a dash'",
		"it's":            `'it'\''s'`,
		"$HOME":           "'$HOME'",
		"~":               "'~'",
		"":                "''",
		"new\nline; echo": "'new\nline; echo'",
	} {
		require.Equal(t, want, shellWord(path))
	}
}
