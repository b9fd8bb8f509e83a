// Package approval is a person's signed consent to one plan.
//
// The signature is OpenSSH's (ssh-keygen -Y sign), because engineers have such keys already, on disk, in an agent or on a
// token. It is made over the JSON of the approval without the signature, in a namespace of its own, so that a signature made
// for something else cannot be taken for one.
package approval
