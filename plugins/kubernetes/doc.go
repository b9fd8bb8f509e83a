// Package kubernetes is the plugin for faults of Kubernetes clusters.
//
// # Writing the next fault
//
// A fault is one file, fault_NAME.go, with a function that returns a [kind], named in (*provider).faults. What it has to do depends on
// what it changes:
//
//   - Objects that are there: read them in plan with session.cluster.Get, describe the change with [change.NewEdit], and put it into
//     plan.items. The frame makes the change, with the mark on the object in the same request, looks at it, and puts back
//     exactly what was there, unless somebody else has changed it meanwhile.
//   - Objects of its own: describe them with [change.NewCreation], with a name from mark.Mark.Name, and put them into plan.items. Their
//     kind is in cluster.Markable, so that gameday sweep finds them.
//   - Anything else (deleting pods, waiting for a reload): inject, inspect and revert of the kind. They are called after the items
//     were made, when all of them show their change, and after they were undone. Each has to be safe to repeat, right after half of an
//     inject, and right in a process that knows the handle and nothing else. Requests that change something go through
//     cluster.Writing, so that they are over when inject returns.
//
// Items are made in their order and undone in the opposite one; edits and creations may be mixed. The frame also records the fault in
// the cluster before anything else, refuses objects that another fault holds, refuses handles of other clusters, asks for the
// permissions in kind.needs, and writes the effects of the items and the steps that delete what was made. What the fault adds
// are the steps that put values back (plan.steps), and what it does beside the items (plan.effects).
//
// A case in TestConformance is all that a fault needs to be held to every promise; docs/plugins/kubernetes.md gets a row.
package kubernetes
