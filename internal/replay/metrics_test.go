package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func began() time.Time { return time.Date(2026, 3, 14, 9, 2, 0, 0, time.UTC) }

func TestMetricsInEachForm(t *testing.T) {
	want := []Series{{"errors", []Value{{0, 1}, {time.Minute, 40}}}}
	for name, text := range map[string]string{
		"long":        "time,name,value\n2026-03-14T09:03:00Z,errors,40\n0s,errors,1\n",
		"wide":        "time,errors\n0,1\n60,40%\n",
		"seconds":     fmt.Sprintf("time,errors\n%d,1\n%d,40\n", began().Unix(), began().Unix()+60),
		"prometheus":  fmt.Sprintf(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"errors"},"values":[[%d,"1"],[%d,"40"],[%d,"NaN"]]}]}}`, began().Unix(), began().Unix()+60, began().Unix()+120),
		"what we say": string(MetricsCSV(want)),
	} {
		got, err := Metrics(text, began())
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	got, err := Metrics(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"b","a":"c"},"values":[]},{"metric":{},"values":[[0,"1"]]}]}}`, began())
	require.NoError(t, err)
	require.Equal(t, "value", got[0].Name)
}

func TestMistakesInMetrics(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "this is no CSV",
		"a,b\n":                           "line 1: the first line has to name the columns",
		"time,x\nsoon,1\n":                `line 2: "soon" is no time`,
		"time,x\n0s,much\n":               `line 2: "much" is no number`,
		"time,x\n0s,1,2\n":                "line 2: there are 3 columns",
		`{"status":"error","error":"no"}`: `is no success: "no"`,
		`{"status":"success","data":{"resultType":"vector"}}`: "a range is needed",
		`{"status":`: "this is no answer of Prometheus",
		"time,a,b,c,d,e,f,g,h,i\n0s,1,1,1,1,1,1,1,1,1\n":            "more than 8 series",
		"time,name,value\n" + strings.Repeat("0s,a,1\n", maxRows+1): "more than 200000 values",
	} {
		_, err := Metrics(text, began())
		require.ErrorContains(t, err, want)
	}
}

func TestThinningLosesNoPeak(t *testing.T) {
	var b strings.Builder
	b.WriteString("time,x\n")
	for i := range 20_000 {
		v := 1
		if i == 12_345 {
			v = 99
		}
		fmt.Fprintf(&b, "%d,%d\n", i, v)
	}
	got, err := Metrics(b.String(), began())
	require.NoError(t, err)
	require.LessOrEqual(t, len(got[0].Points), maxPoints)
	require.Contains(t, got[0].Points, Value{12_345 * time.Second, 99})
}

func FuzzMetrics(f *testing.F) {
	f.Add("time,name,value\n0s,a,1\n9m,b,2\n")
	f.Add("time,a,b\n1773478920,1,2\n,,\n")
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1e300,"1e999"],[-1,"-Inf"]]}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Metrics(text, began())
		if err != nil {
			return
		}
		again, err := Metrics(string(MetricsCSV(got)), began())
		require.NoError(t, err)
		require.Len(t, again, len(got))
	})
}
