package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// create makes every object of a stream of YAML documents.
func (c *Cluster) create(ctx context.Context, documents []byte) error {
	client, err := dynamic.NewForConfig(c.rest)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.client.Discovery()))
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(documents), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the objects to make: %w", err)
		}
		kind := object.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err == nil {
			resource := client.Resource(mapping.Resource)
			if namespace := object.GetNamespace(); namespace != "" {
				_, err = resource.Namespace(namespace).Create(ctx, object, metav1.CreateOptions{})
			} else {
				_, err = resource.Create(ctx, object, metav1.CreateOptions{})
			}
		}
		if err != nil {
			return fmt.Errorf("making %s %s: %w", kind.Kind, object.GetName(), err)
		}
	}
}
