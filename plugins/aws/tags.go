package aws

import (
	"maps"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
)

// tagMap reads the tags of a service, each of which has a type of its own for them.
func tagMap[T any](tags []T, pair func(T) (key, value *string)) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		k, v := pair(t)
		out[awssdk.ToString(k)] = awssdk.ToString(v)
	}
	return out
}

// tagList writes the tags of a service.
func tagList[T any](tags map[string]string, make func(key, value *string) T) []T {
	var out []T
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, make(new(k), new(tags[k])))
	}
	return out
}

// withKey keeps the resources that carry a tag.
func withKey(all []resource, key string) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, r := range all {
		if _, ok := r.tags[key]; ok {
			out[r.arn] = r.tags
		}
	}
	return out
}
