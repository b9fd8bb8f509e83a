package reports

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every colour that text is set in has a contrast of at least 4.5 to 1 on both grounds, in light, dark and print (WCAG 2.2,
// 1.4.3).
func TestColoursHaveContrast(t *testing.T) {
	css := asset("report.css")
	schemes := regexp.MustCompile(`:root \{[^}]*\}`).FindAllString(css, -1)
	require.Len(t, schemes, 3, "light, dark and print")
	for _, scheme := range schemes {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{3,6});`).FindAllStringSubmatch(scheme, -1) {
			colours[m[1]] = m[2]
		}
		for _, ground := range []string{"paper", "panel"} {
			for _, ink := range []string{"ink", "soft", "accent", "pass", "fail", "inconclusive", "leaked", "skip"} {
				ratio := contrast(t, colours[ink], colours[ground])
				require.GreaterOrEqual(t, ratio, 4.5, "%s on %s", ink, ground)
			}
		}
		for _, bar := range []string{"fault", "action", "alert"} { // with a name in the colour of the paper on it
			require.GreaterOrEqual(t, contrast(t, colours["paper"], colours[bar]), 4.5, bar)
		}
		require.GreaterOrEqual(t, contrast(t, colours["soft"], colours["faint"]), 4.5, "the name of a phase")
		require.GreaterOrEqual(t, contrast(t, colours["soft"], colours["rule"]), 4.5, "the name of every other phase")
	}
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	require.Len(t, hex, 6)
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		v := float64(n) / 255
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
