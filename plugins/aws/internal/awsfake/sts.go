package awsfake

import (
	"strings"
	"time"
)

// Role is a role that can be assumed by whoever gives its external ID.
const (
	Role       = "arn:aws:iam::" + Account + ":role/gameday"
	ExternalID = "fake-external-id-that-no-log-may-show"
)

func stsOperations() map[string]handler {
	return map[string]handler{"GetCallerIdentity": getCallerIdentity, "AssumeRole": assumeRole}
}

type callerIdentity struct {
	Arn, UserId, Account string
}

func getCallerIdentity(c *call) (any, error) {
	if strings.HasPrefix(c.key, "ASIA") {
		return callerIdentity{"arn:aws:sts::" + Account + ":assumed-role/gameday/gameday", "AROAFAKE:gameday", Account}, nil
	}
	return callerIdentity{"arn:aws:iam::" + Account + ":user/gameday", "AIDAFAKE", Account}, nil
}

type assumedRole struct {
	Credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 time.Time
	}
	AssumedRoleUser struct {
		Arn, AssumedRoleId string
	}
}

func assumeRole(c *call) (any, error) {
	if c.str("RoleArn") != Role || c.str("ExternalId") != ExternalID {
		return nil, c.protocol.denied("sts:AssumeRole")
	}
	var out assumedRole
	out.Credentials.AccessKeyId, out.Credentials.SecretAccessKey, out.Credentials.SessionToken = "ASIAFAKEFAKEFAKEFAKE", Secret, Token
	out.Credentials.Expiration = time.Now().Add(time.Hour).UTC()
	out.AssumedRoleUser.Arn = "arn:aws:sts::" + Account + ":assumed-role/gameday/" + c.str("RoleSessionName")
	out.AssumedRoleUser.AssumedRoleId = "AROAFAKE:" + c.str("RoleSessionName")
	return out, nil
}
