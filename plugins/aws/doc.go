// Package aws is the plugin for the faults of an AWS account.
//
// A fault is made of kinds of change. The frame (fault.go, carry.go, putback.go, mark.go, sweep.go, permissions.go) knows accounts,
// regions, marks, the order of things, waiting, conflicts, permissions and sweep; a kind knows one kind of resource. To add a
// fault:
//
//  1. Write fault_NAME.go, like fault_instance_stop.go. U is what putting one resource back needs. plan reads a target and returns
//     an item for each resource, with how it is (before) and how the fault makes it (made) in words. look reads the resource
//     and answers in the same words with now(...), or with is(state, ...) where words do not tell. inject and revert are
//     one call each: they do not wait, since the frame looks until the words are right, for at most slow.
//  2. An existing resource that is changed needs a shelf, where its tags are kept, so that the frame can mark it before the change and
//     sweep can find it. note is what remember needs to make the item again, without a journal. What a kind makes carries
//     mark.created() as tags from its creation on, is looked for by these tags (never by an ID that only Inject knew),
//     and needs find and no shelf. A shelf for one more service is shelf_SERVICE.go.
//  3. Name every action in needs, and in about what the resources look like: the plan checks them, and the least policy is rendered
//     from them. Targets, actions, probers, ledgers and alerts have a method permissions() []need for the same (policy.go).
//  4. What cannot be seen or undone, such as a reboot, is once: it is active for as long as its mark is there (mark.Held), and revert
//     waits until the resource is well.
//  5. Name the fault in faults(), give internal/awsfake the calls it makes, and the conformance test a case for it.
//
// A client for one more service is a line in site.go, or beside what alone uses it.
package aws
