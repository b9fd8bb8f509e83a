package control

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASlowLinkCanBeCutAsWell(t *testing.T) {
	slow := Record{Kind: LinkLatency, Targets: []string{"east-west"}, Delay: 1}
	cut := Record{Kind: LinkLatency, Targets: []string{"east-west"}, Cut: true}
	region := Record{Kind: RegionOutage, Targets: []string{"east"}, Cut: true}
	require.NotSubset(t, Claims(slow), Claims(cut))
	for _, claim := range Claims(slow) {
		require.NotContains(t, Claims(region), claim)
	}
	require.Subset(t, Claims(region), Claims(cut), "a link is not cut twice")
}
