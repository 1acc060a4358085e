"""AWS's default quotas of users, groups, roles and policies, as GetAccountSummary has them."""

USERS = 5000
ACCESS_KEYS_PER_USER = 2
TAGS_PER_USER = 50
TAGS_PER_ROLE = 50
TAGS_PER_POLICY = 50

GROUPS = 300
GROUPS_PER_USER = 10
ROLES = 1000
POLICIES = 1500
VERSIONS_PER_POLICY = 5
ATTACHED_POLICIES = {"user": 10, "group": 10, "role": 20}
"""Managed policies of one user, group or role."""
POLICY_SIZE = 6144
"""Characters of a managed policy; white space counts nowhere."""
INLINE_POLICY_SIZE = {"user": 2048, "group": 5120, "role": 10_240}
"""Characters of all inline policies of a user, a group or a role together."""
ASSUME_ROLE_POLICY_SIZE = 2048
"""Characters of a trust policy."""
