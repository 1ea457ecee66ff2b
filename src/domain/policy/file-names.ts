/** Of a workspace, and of an agent's folder. */
export const policyFileName = "policy.yaml";
/** In an agent's folder: what *always allow* added. It stays where it is when the agent is replaced, exported or imported. */
export const localPolicyName = "policy.local.yaml";
