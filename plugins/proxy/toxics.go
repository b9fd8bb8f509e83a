package proxy

import (
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// kinds are the faults. To add one, describe it here: its name, Toxiproxy's type, and how attributes become the toxic's.
func kinds() []kind {
	return []kind{latency(), bandwidth(), slowClose(), timeout(), reset(), slicing(), limit()}
}

func latency() kind {
	return kind{
		name: "proxy_latency", toxic: "latency",
		doc: "What goes through arrives late. Handshakes do not: Toxiproxy accepts connections at once.",
		own: []sdk.Attribute{
			{Name: "delay", Type: sdk.Duration, Required: true, Doc: "How late, in whole milliseconds."},
			{Name: "jitter", Type: sdk.Duration, Default: "0s", Doc: "How much earlier or later than that, at random."},
		},
		attributes: func(c config) (map[string]any, []sdk.Problem) {
			delay, bad := whole("delay", c.Delay, time.Millisecond, 0)
			jitter, worse := whole("jitter", c.Jitter, time.Millisecond, 0)
			if bad = append(bad, worse...); len(bad) == 0 && delay == 0 && jitter == 0 {
				bad = append(bad, problem("delay", "The delay is 0", "Use at least 1ms."))
			}
			if jitter > delay {
				bad = append(bad, problem("jitter", "The jitter is more than the delay", "Nothing arrives before it was sent."))
			}
			return map[string]any{"latency": delay, "jitter": jitter}, bad
		},
	}
}

func bandwidth() kind {
	const unit = 1000
	return kind{
		name: "proxy_bandwidth", toxic: "bandwidth",
		doc: "What goes through is slowed down to a rate, for each connection by itself.",
		own: []sdk.Attribute{{Name: "bytes_per_second", Type: sdk.Number, Required: true, Doc: "The rate, in whole thousands."}},
		attributes: func(c config) (map[string]any, []sdk.Problem) {
			rate, bad := count("bytes_per_second", c.BytesPerSecond, unit)
			if rate%unit != 0 {
				bad = append(bad, problem("bytes_per_second", fmt.Sprintf("%d is out of reach of a Toxiproxy", rate), "Use whole thousands: its unit is 1000 bytes."))
			}
			return map[string]any{"rate": rate / unit}, bad
		},
	}
}

func slowClose() kind {
	return kind{
		name: "proxy_slow_close", toxic: "slow_close",
		doc: "The end of a connection arrives late.",
		own: []sdk.Attribute{{Name: "delay", Type: sdk.Duration, Required: true, Doc: "How late, in whole milliseconds."}},
		attributes: func(c config) (map[string]any, []sdk.Problem) {
			delay, bad := whole("delay", c.Delay, time.Millisecond, time.Millisecond)
			return map[string]any{"delay": delay}, bad
		},
	}
}

func timeout() kind {
	return kind{
		name: "proxy_timeout", toxic: "timeout",
		doc: "What goes through is lost, and connections stay open until close_after: the slow failure that people forget. " +
			"The revert closes the connections that it has hit, since data are missing in them.",
		own: []sdk.Attribute{{Name: "close_after", Type: sdk.Duration, Default: "0s", Doc: "When the connection is closed, counted from the last data; 0s for never."}},
		attributes: func(c config) (map[string]any, []sdk.Problem) {
			after, bad := whole("close_after", c.After, time.Millisecond, 0)
			return map[string]any{"timeout": after}, bad
		},
	}
}

func reset() kind {
	const most = 3 * time.Second // Toxiproxy answers nobody meanwhile, and so cannot take the toxic off
	return kind{
		name: "proxy_reset", toxic: "reset_peer",
		doc: "Connections are torn down: those that are opened while the fault stands with a reset, those that were open before with an ordinary end. " +
			"Either happens once something is sent in the direction of the fault.",
		own: []sdk.Attribute{{Name: "close_after", Type: sdk.Duration, Default: "0s", Doc: "How long after the first data, at most 3s: Toxiproxy cannot take the toxic off meanwhile."}},
		attributes: func(c config) (map[string]any, []sdk.Problem) {
			after, bad := whole("close_after", c.After, time.Millisecond, 0)
			if time.Duration(c.After) > most {
				bad = []sdk.Problem{problem("close_after", "Toxiproxy could not take the toxic off in time", fmt.Sprintf("Use at most %v.", most))}
			}
			return map[string]any{"timeout": after}, bad
		},
	}
}

func slicing() kind {
	return kind{
		name: "proxy_slicing", toxic: "slicer",
		doc: "What goes through arrives in small pieces.",
		own: []sdk.Attribute{
			{Name: "size", Type: sdk.Number, Required: true, Doc: "How many bytes a piece has, on average."},
			{Name: "variation", Type: sdk.Number, Default: 0, Doc: "How many more or less, less than size."},
			{Name: "delay", Type: sdk.Duration, Default: "0s", Doc: "How long to wait after each piece, in whole microseconds."},
		},
		attributes: func(c config) (map[string]any, []sdk.Problem) {
			size, bad := count("size", c.Size, 1)
			variation, worse := count("variation", c.Variation, 0)
			delay, worst := whole("delay", c.Delay, time.Microsecond, 0)
			if bad = slices.Concat(bad, worse, worst); len(bad) == 0 && variation >= size {
				bad = append(bad, problem("variation", fmt.Sprintf("Pieces of %d bytes cannot vary by %d", size, variation), "Use less than size."))
			}
			return map[string]any{"average_size": size, "size_variation": variation, "delay": delay}, bad
		},
	}
}

func limit() kind {
	return kind{
		name: "proxy_limit", toxic: "limit_data",
		doc: "A connection is closed once so many bytes have gone through it since the fault began.",
		own: []sdk.Attribute{{Name: "bytes", Type: sdk.Number, Required: true, Doc: "How many. 0 closes a connection with the first data."}},
		attributes: func(c config) (map[string]any, []sdk.Problem) {
			n, bad := count("bytes", c.Bytes, 0)
			return map[string]any{"bytes": n}, bad
		},
	}
}
