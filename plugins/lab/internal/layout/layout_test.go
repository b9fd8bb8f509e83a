package layout_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

func TestEveryPartHasAnAddressOfItsOwn(t *testing.T) {
	p := layout.Plan{Base: 20000}
	seen := map[string]bool{}
	add := func(addr string) {
		require.False(t, seen[addr], "%s is given twice", addr)
		seen[addr] = true
	}
	add(p.DNS())
	add(p.Control())
	for _, region := range layout.Regions() {
		add(p.LB(region))
		for slot := range layout.MaxExtras {
			add(p.ExtraShop(region, slot))
			add(p.ExtraFront(region, slot))
		}
		for _, from := range layout.ZonesOf(region) {
			add(p.Shop(from))
			add(p.Client(from))
			add(p.Cluster(from))
			add(p.Leaf(from))
			add(p.Front(from))
			for _, to := range layout.ZonesOf(region) {
				if from != to {
					add(p.Route(from, to))
				}
			}
		}
	}
	for _, west := range layout.ZonesOf(layout.West) {
		for _, east := range layout.ZonesOf(layout.East) {
			add(p.LeafLink(west, east))
		}
	}
	require.Equal(t, "127.0.0.1:20076", p.ExtraFront(layout.West, layout.MaxExtras-1), "the last port lies inside Size")
}

func TestNamesTellWhereSomethingStands(t *testing.T) {
	require.Equal(t, "east", layout.RegionOf("east-b-2"))
	require.Equal(t, "east-b", layout.ZoneOf("east-b-2"))
	require.Equal(t, "east-b", layout.ZoneOf("east-b"))
}
