package notify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	tracing "go.opentelemetry.io/otel/trace"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type telemetry struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Name    string            `json:"service_name"`
}

func telemetrySchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Exports a trace at the end of the run, by OTLP over HTTP: a span of the run, and in it one of each phase, fault and action. " +
			"The trace's ID is the first 16 bytes of the SHA-256 of the run's ID.",
		Attributes: []sdk.Attribute{
			{Name: "url", Type: sdk.String, Required: true, Doc: "The collector's endpoint for traces, such as http://localhost:4318/v1/traces"},
			{Name: "headers", Type: sdk.StringMap, Sensitive: true, Doc: "Headers of the request, such as an API key"},
			{Name: "service_name", Type: sdk.String, Default: "gameday", Doc: "The resource's service.name"},
		},
	}
}

func newTelemetry(cfg json.RawMessage) (Sender, error) {
	t := &telemetry{Name: "gameday"}
	if err := read(cfg, t); err != nil {
		return nil, err
	}
	return t, openAddress("url", t.URL, "headers = { Authorization = ... }")
}

// Send implements Sender. Only the end has spans.
func (t *telemetry) Send(ctx context.Context, n News) (err error) {
	if n.Moment != End {
		return nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(t.URL), otlptracehttp.WithHeaders(t.Headers),
		otlptracehttp.WithHTTPClient(&http.Client{CheckRedirect: noRedirect, Timeout: oneAttempt}), // no key goes anywhere else here either
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: firstPause, MaxInterval: longestWait, MaxElapsedTime: 2 * longestWait}))
	if err != nil {
		return fmt.Errorf("preparing the export: %w", err)
	}
	// The spans are all there are, and are exported in one request: it is known whether they arrived.
	kept := &keeper{}
	provider := trace.NewTracerProvider(trace.WithSyncer(kept), trace.WithIDGenerator(&ids{run: n.Run}), trace.WithSampler(trace.AlwaysSample()),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", t.Name), attribute.String("deployment.environment.name", n.Environment))))
	record(ctx, provider.Tracer("gameday"), n)
	exported := exporter.ExportSpans(ctx, kept.spans)
	if exported != nil {
		exported = t.short(exported)
	}
	return errors.Join(exported, provider.Shutdown(ctx), exporter.Shutdown(ctx))
}

// short says as much of an error, which may hold all that the collector said, as fits a line.
func (t *telemetry) short(err error) error {
	text := err.Error()
	for _, v := range t.Headers {
		if len(v) >= shortest {
			text = strings.ReplaceAll(text, v, hidden)
		}
	}
	return errors.New(clip(strings.Join(strings.Fields(text), " "), 2*maxShown))
}

func record(ctx context.Context, tracer tracing.Tracer, n News) {
	run := n.span()
	exit := 0
	if n.Exit != nil {
		exit = *n.Exit
	}
	ctx, root := tracer.Start(ctx, "gameday run "+n.Scenario, tracing.WithNewRoot(), tracing.WithTimestamp(run.From), tracing.WithAttributes(
		attribute.String("gameday.run", n.Run), attribute.String("gameday.scenario", n.Scenario), attribute.String("gameday.service", n.Service),
		attribute.String("gameday.headline", n.Headline), attribute.Int("gameday.exit", exit)))
	if exit != 0 {
		root.SetStatus(codes.Error, n.Why)
	}
	for _, s := range n.Spans {
		_, span := tracer.Start(ctx, s.Kind+" "+s.Name, tracing.WithTimestamp(s.From), tracing.WithAttributes(
			attribute.String("gameday."+s.Kind, s.Name), attribute.String("gameday.type", s.Type), attribute.StringSlice("gameday.targets", s.Targets)))
		if s.Err != "" {
			span.SetStatus(codes.Error, s.Err)
		}
		span.End(tracing.WithTimestamp(s.To))
	}
	root.End(tracing.WithTimestamp(run.To))
}

// keeper takes spans as they end.
type keeper struct{ spans []trace.ReadOnlySpan }

func (k *keeper) ExportSpans(_ context.Context, spans []trace.ReadOnlySpan) error {
	k.spans = append(k.spans, spans...)
	return nil
}

func (k *keeper) Shutdown(context.Context) error { return nil }

// ids makes the same IDs for the same run, so that its trace can be found by the run's ID.
type ids struct {
	run string
	n   atomic.Uint64
}

func (i *ids) NewIDs(ctx context.Context) (t tracing.TraceID, s tracing.SpanID) {
	sum := sha256.Sum256([]byte(i.run))
	copy(t[:], sum[:])
	return t, i.NewSpanID(ctx, t)
}

func (i *ids) NewSpanID(context.Context, tracing.TraceID) (s tracing.SpanID) {
	sum := sha256.Sum256([]byte(i.run))
	binary.BigEndian.PutUint64(s[:], binary.BigEndian.Uint64(sum[16:24])+i.n.Add(1))
	return s
}
