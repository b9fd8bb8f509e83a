package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// Attach is connected with the standard input and output of a container until the container ends, in does, or ctx. Where out is nil nothing
// is read of it.
func (c *Cluster) Attach(ctx context.Context, pod Ref, container string, in io.Reader, out io.Writer) error {
	url := c.Watch.CoreV1().RESTClient().Post().Namespace(pod.Namespace).Resource(pod.Resource).Name(pod.Name).SubResource("attach").
		VersionedParams(&corev1.PodAttachOptions{Container: container, Stdin: true, Stdout: out != nil}, scheme.ParameterCodec).URL()
	socket, err := remotecommand.NewWebSocketExecutor(c.streams, http.MethodGet, url.String())
	if err != nil {
		return fmt.Errorf("connecting with %s: %w", pod, err)
	}
	spdy, err := remotecommand.NewSPDYExecutor(c.streams, http.MethodPost, url)
	if err != nil {
		return fmt.Errorf("connecting with %s: %w", pod, err)
	}
	either, err := remotecommand.NewFallbackExecutor(socket, spdy, func(err error) bool { return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) })
	if err != nil {
		return fmt.Errorf("connecting with %s: %w", pod, err)
	}
	if err := either.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: out}); err != nil {
		return fmt.Errorf("connecting with the container %s of %s: %w", container, pod, c.Explain(err))
	}
	return nil
}

// LastLine is the last that a container has said.
func (c *Cluster) LastLine(ctx context.Context, pod Ref, container string) (string, error) {
	ctx, cancel := Reading(ctx)
	defer cancel()
	one, most := int64(1), int64(1<<10)
	b, err := c.Typed.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: container, TailLines: &one, LimitBytes: &most}).DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the log of the container %s of %s: %w", container, pod, c.Explain(err))
	}
	return string(b), nil
}
