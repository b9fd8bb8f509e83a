package awsfake

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// monitoringState is what CloudWatch keeps for a region.
type monitoringState struct {
	Alarms map[string]*alarm
	Points map[string][]point
}

type alarm struct {
	Name, State, Reason string
	Since               time.Time
	Composite           bool
}

type point struct {
	At    time.Time
	Value float64
}

func newMonitoring() monitoringState {
	return monitoringState{map[string]*alarm{}, map[string][]point{}}
}

func monitoringOperations() map[string]handler {
	out := map[string]handler{}
	for name, fn := range map[string]func(*call, tree) (any, error){
		"PutMetricAlarm": putAlarm(false), "PutCompositeAlarm": putAlarm(true), "SetAlarmState": setAlarmState, "DeleteAlarms": deleteAlarms,
		"DescribeAlarms": describeAlarms, "PutMetricData": putMetricData, "GetMetricData": getMetricData,
	} {
		out[name] = func(c *call) (any, error) {
			in, err := c.input()
			if err != nil {
				return nil, err
			}
			return fn(c, in)
		}
	}
	return out
}

func putAlarm(composite bool) func(*call, tree) (any, error) {
	return func(c *call, in tree) (any, error) {
		name := in.str("AlarmName")
		c.state.Monitoring.Alarms[name] = &alarm{name, "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation", time.Now(), composite}
		return nil, nil
	}
}

func setAlarmState(c *call, in tree) (any, error) {
	a := c.state.Monitoring.Alarms[in.str("AlarmName")]
	if a == nil {
		return nil, &Error{"ResourceNotFound", "Unknown alarm", 404}
	}
	if a.State != in.str("StateValue") {
		a.Since = time.Now()
	}
	a.State, a.Reason = in.str("StateValue"), in.str("StateReason")
	return nil, nil
}

func deleteAlarms(c *call, in tree) (any, error) {
	for _, name := range in.strs("AlarmNames") {
		delete(c.state.Monitoring.Alarms, name)
	}
	return nil, nil
}

// describeAlarms shows composite alarms only to who asks for them.
func describeAlarms(c *call, in tree) (any, error) {
	out := tree{"MetricAlarms": []any{}, "CompositeAlarms": []any{}}
	for _, a := range ordered(c.state.Monitoring.Alarms) {
		list, kind := "MetricAlarms", "MetricAlarm"
		if a.Composite {
			list, kind = "CompositeAlarms", "CompositeAlarm"
		}
		types := in.strs("AlarmTypes")
		if named(in.strs("AlarmNames"), a.Name) && strings.HasPrefix(a.Name, in.str("AlarmNamePrefix")) && (slices.Contains(types, kind) || len(types) == 0 && !a.Composite) {
			out[list] = append(out[list].([]any), tree{"AlarmName": a.Name, "StateValue": a.State, "StateReason": a.Reason, "StateUpdatedTimestamp": a.Since})
		}
	}
	return out, nil
}

// key names a metric with all its dimensions.
func metricKey(namespace, metric string, dimensions map[string]string) string {
	out := namespace + " " + metric
	for _, k := range slices.Sorted(maps.Keys(dimensions)) {
		out += " " + k + "=" + dimensions[k]
	}
	return out
}

func dimensionsOf(in tree) map[string]string {
	out := map[string]string{}
	for _, d := range in.trees("Dimensions") {
		out[d.str("Name")] = d.str("Value")
	}
	return out
}

// putMetricData refuses the namespaces of AWS's own services.
func putMetricData(c *call, in tree) (any, error) {
	if strings.HasPrefix(in.str("Namespace"), "AWS/") {
		return nil, failf("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
	}
	for _, d := range in.trees("MetricData") {
		at := time.Now()
		if _, ok := d["Timestamp"]; ok {
			at = d.at("Timestamp")
		}
		key := metricKey(in.str("Namespace"), d.str("MetricName"), dimensionsOf(d))
		c.state.Monitoring.Points[key] = append(c.state.Monitoring.Points[key], point{at, d.num("Value")})
	}
	return nil, nil
}

// Alarm puts an alarm into a state, as its metric would.
func (s *Server) Alarm(region, name, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.region(region).now.Monitoring.Alarms[name]; a != nil {
		a.State, a.Since = state, time.Now()
	}
}

// Measure is what AWS itself says about a metric now, such as one of AWS/Usage.
func (s *Server) Measure(region, namespace, metric string, dimensions map[string]string, value float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.region(region).now.Monitoring
	key := metricKey(namespace, metric, dimensions)
	m.Points[key] = append(m.Points[key], point{time.Now(), value})
}

// getMetricData answers with one value for each period that has any, newest first.
func getMetricData(c *call, in tree) (any, error) {
	results := []any{}
	for _, q := range in.trees("MetricDataQueries") {
		stat := q.in("MetricStat")
		m := stat.in("Metric")
		period := time.Duration(stat.num("Period")) * time.Second
		if period <= 0 {
			return nil, failf("ValidationError", "The parameter Period must be greater than 0")
		}
		byPeriod := map[time.Time][]float64{}
		for _, p := range c.state.Monitoring.Points[metricKey(m.str("Namespace"), m.str("MetricName"), dimensionsOf(m))] {
			if !p.At.Before(in.at("StartTime")) && p.At.Before(in.at("EndTime").Add(time.Second)) {
				at := p.At.Truncate(period)
				byPeriod[at] = append(byPeriod[at], p.Value)
			}
		}
		times := slices.SortedFunc(maps.Keys(byPeriod), func(a, b time.Time) int { return b.Compare(a) })
		stamps, values := []any{}, []any{}
		for _, at := range times {
			v, err := statistic(stat.str("Stat"), byPeriod[at])
			if err != nil {
				return nil, err
			}
			stamps, values = append(stamps, at), append(values, v)
		}
		results = append(results, tree{"Id": q.str("Id"), "Label": m.str("MetricName"), "Timestamps": stamps, "Values": values, "StatusCode": "Complete"})
	}
	return tree{"MetricDataResults": results}, nil
}

func statistic(name string, values []float64) (float64, error) {
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	var percent float64
	switch {
	case name == "Sum":
		return sum, nil
	case name == "Average":
		return sum / float64(len(values)), nil
	case name == "SampleCount":
		return float64(len(values)), nil
	case name == "Minimum":
		return values[0], nil
	case name == "Maximum":
		return values[len(values)-1], nil
	}
	if _, err := fmt.Sscanf(name, "p%g", &percent); err == nil && percent > 0 && percent <= 100 {
		return values[int(math.Ceil(percent/100*float64(len(values))))-1], nil
	}
	return 0, failf("ValidationError", "The value %s for parameter Stat is not supported.", name)
}
