package view

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

func TestTheWorstFigureOfARun(t *testing.T) {
	known := archive.Figure{Kind: measure.KindRTO, Lo: 90, Hi: 91, Value: "91 s (90 to 91)"}
	more := archive.Figure{Kind: measure.KindRTO, Lo: 60, Censored: true, Value: "> 60 s"}
	less := archive.Figure{Kind: measure.KindRTO, Lo: 2, Censored: true, Value: "> 2 s"}
	for name, c := range map[string]struct {
		figures []archive.Figure
		want    string
	}{
		"none":              {nil, "-"},
		"one":               {[]archive.Figure{known}, "91 s"},
		"a bound first":     {[]archive.Figure{more, known}, "> 60 s"},
		"a bound last":      {[]archive.Figure{known, more}, "> 60 s"},
		"the greater bound": {[]archive.Figure{more, less}, "> 60 s"},
	} {
		require.Equal(t, c.want, figureOf(archive.Run{Figures: c.figures}, measure.KindRTO), name)
	}
}
