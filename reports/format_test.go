package reports

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 s": 0, "< 1 ms": 400 * time.Microsecond, "1 ms": ms, "3.2 ms": 3217 * time.Microsecond, "10 ms": 9980 * time.Microsecond, "412 ms": 412 * ms, "1 s": 999*ms + 600*time.Microsecond, "12.41 s": 12*s + 412*ms,
		"1 min 00 s": 59*s + 996*ms, "1 min 05 s": 65 * s, "1 h 00 min": 59*time.Minute + 59*s + 800*ms, "2 h 03 min": 2*time.Hour + 3*time.Minute, "1 d 04 h": 28 * time.Hour, "−412 ms": -412 * ms,
	} {
		require.Equal(t, want, Duration(d))
	}
}

func TestSplitValue(t *testing.T) {
	for in, want := range map[string][2]string{
		measure.Interval{Lo: 12370 * ms, Hi: 12410 * ms}.String():  {"12.41 s", "12.37 to 12.41"},
		"2.31 s (2.27 to 2.31) (46 of 2,210 acknowledged records)": {"2.31 s", "2.27 to 2.31, 46 of 2,210 acknowledged records"},
		"0 s, no user-visible outage":                              {"0 s", "no user-visible outage"},
		"> 45 s":                                                   {"> 45 s", ""},
		"":                                                         {"", ""},
	} {
		figure, rest := splitValue(in)
		require.Equal(t, want, [2]string{figure, rest})
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{"the run ended": "The run ended.", "slo.checkout: late": "slo.checkout: late", "Done.": "Done.", "": "", "élan 5 %": "Élan 5 %."} {
		require.Equal(t, want, sentence(in))
	}
}

func TestLimit(t *testing.T) {
	for in, want := range map[string]string{"15s": "15 s", "2m0s": "2 min", "1m30s": "1 min 30 s", "1h0m5s": "1 h 5 s", "250ms": "250 ms", "0s": "0 s", "0.5 %": "0.5 %", "": ""} {
		require.Equal(t, want, Limit(in))
	}
}

func TestNumbers(t *testing.T) {
	require.Equal(t, "4,812", Count(4812))
	require.Equal(t, "100", Count(uint64(100)))
	require.Equal(t, "99.99 %", Ratio(999999, 1000000), "what is not all is never 100 %")
	require.Equal(t, "100 %", Ratio(5, 5))
	require.Equal(t, "no samples", Ratio(0, 0))
	require.Equal(t, "0.0239 %", Percent(.02391))
	require.Equal(t, "unlimited", Percent(math.Inf(1)))
	require.Equal(t, "1:02:03.456", Offset(time.Hour+2*time.Minute+3456*ms))
	require.Equal(t, "1:00.000", Offset(59*s+999*ms+600*time.Microsecond))
}

func TestShortName(t *testing.T) {
	for in, want := range map[string]string{"slo.checkout": "checkout", `slo.svc["a.b"]`: `svc["a.b"]`, "experiment.zone.fault.x.lose": "lose", "plain": "plain", "": ""} {
		require.Equal(t, want, shortName(in))
	}
}
