package kubernetes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What Kubernetes rounds down to a second must not show before its cause, nor later than it was heard of.
func TestAMomentToldToTheSecondIsTheLatestItCanBe(t *testing.T) {
	second := time.Date(2026, 11, 26, 2, 37, 29, 0, time.UTC)
	for name, c := range map[string]struct{ told, heard, want time.Time }{
		"heard within the second": {second, second.Add(180 * time.Millisecond), second.Add(180 * time.Millisecond)},
		"heard long after":        {second, second.Add(time.Minute), second.Add(999 * time.Millisecond)},
		"their clock is ahead":    {second, second.Add(-time.Second), second},
		"told more exactly":       {second.Add(time.Microsecond), second.Add(time.Second), second.Add(time.Microsecond)},
	} {
		require.Equal(t, c.want, within(c.told, c.heard), name)
	}
}
