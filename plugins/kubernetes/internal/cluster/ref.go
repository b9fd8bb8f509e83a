package cluster

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is a kind of object.
type Kind struct {
	Group    string `json:"group,omitempty"`
	Version  string `json:"version"`
	Resource string `json:"resource"`
	Kind     string `json:"kind"`
}

// The kinds that faults touch.
var (
	Nodes        = Kind{"", "v1", "nodes", "Node"}
	Pods         = Kind{"", "v1", "pods", "Pod"}
	Namespaces   = Kind{"", "v1", "namespaces", "Namespace"}
	ConfigMaps   = Kind{"", "v1", "configmaps", "ConfigMap"}
	Services     = Kind{"", "v1", "services", "Service"}
	Deployments  = Kind{"apps", "v1", "deployments", "Deployment"}
	StatefulSets = Kind{"apps", "v1", "statefulsets", "StatefulSet"}
	DaemonSets   = Kind{"apps", "v1", "daemonsets", "DaemonSet"}
	ReplicaSets  = Kind{"apps", "v1", "replicasets", "ReplicaSet"}

	ControllerRevisions = Kind{"apps", "v1", "controllerrevisions", "ControllerRevision"}

	ResourceQuotas  = Kind{"", "v1", "resourcequotas", "ResourceQuota"}
	PriorityClasses = Kind{"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass"}

	NetworkPolicies = Kind{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"}
	ServiceAccounts = Kind{"", "v1", "serviceaccounts", "ServiceAccount"}
	FlowSchemas     = Kind{"flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema"}
	PriorityLevels  = Kind{"flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration"}

	Jobs = Kind{"batch", "v1", "jobs", "Job"}

	ReplicationControllers = Kind{"", "v1", "replicationcontrollers", "ReplicationController"}

	Events                   = Kind{"", "v1", "events", "Event"}
	EndpointSlices           = Kind{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"}
	PodDisruptionBudgets     = Kind{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"}
	HorizontalPodAutoscalers = Kind{"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"}
)

// Kinds are those that can be the target of a fault.
func Kinds() []Kind {
	return []Kind{Nodes, Pods, Namespaces, ConfigMaps, Services, Deployments, StatefulSets, DaemonSets, ReplicaSets, ServiceAccounts}
}

// Markable are those that a fault may make or change. What a watchdog consists of is swept on its own.
func Markable() []Kind {
	return append(Kinds(), ResourceQuotas, PriorityClasses, NetworkPolicies, FlowSchemas, PriorityLevels)
}

func (k Kind) resource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
}

// APIVersion is what a manifest says.
func (k Kind) APIVersion() string {
	return schema.GroupVersion{Group: k.Group, Version: k.Version}.String()
}

// Arg is how kubectl is told of the kind.
func (k Kind) Arg() string {
	if k.Group == "" {
		return strings.ToLower(k.Kind)
	}
	return strings.ToLower(k.Kind) + "." + k.Group
}

// Ref names one object. With a UID it is that one, and not a later one of the same name.
type Ref struct {
	Kind
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

// RefOf names an object that was read.
func RefOf(k Kind, o *unstructured.Unstructured) Ref {
	return Ref{Kind: k, Namespace: o.GetNamespace(), Name: o.GetName(), UID: string(o.GetUID())}
}

// String is such as deployment shop/web.
func (r Ref) String() string {
	name := r.Name
	if r.Namespace != "" {
		name = r.Namespace + "/" + name
	}
	return strings.ToLower(r.Kind.Kind) + " " + name
}

// Args are the arguments with which kubectl finds the object: -n shop VERB deployment.apps web.
func (r Ref) Args(verb string) string {
	out := verb + " " + r.Arg() + " " + r.Name
	if r.Namespace != "" {
		out = "-n " + r.Namespace + " " + out
	}
	return out
}

// Quote makes one word of a shell command.
func Quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n'\"\\$`!*?[]{}()<>|&;#~") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
