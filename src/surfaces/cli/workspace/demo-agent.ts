/** The files of the demo agent, by path inside the agents' folder: a scripted model, so it needs no key and no network. */
export const demoAgentFiles: Readonly<Record<string, string>> = {
  "demo/agent.yaml": `apiVersion: duragent/v1alpha1
kind: Agent
metadata:
  name: demo
  description: Answers from a script, so that Duragent can be tried without a key
spec:
  model:
    provider: scripted
    name: ./script.yaml
  session:
    # The agent works on when you leave; \`duragent attach\` shows what happened meanwhile.
    on_disconnect: continue
  # What it can do; policy.yaml beside this file says what it may do without asking.
  memory: {}
  tools:
    - { type: builtin, name: bash }
    - { type: builtin, name: read_file }
    - { type: builtin, name: list_files }
`,
  "demo/policy.yaml": `# What the demo agent may do without asking. No mode is set, so what only reads is allowed too, and all else is asked about.
# What you answer with "always" is added to policy.local.yaml.
allow:
  - builtin:memory:*
deny:
  - bash:shutdown
  - bash:reboot
`,
  "demo/SOUL.md": `You are the demo agent of Duragent: friendly, brief, and honest about being a script.
`,
  "demo/script.yaml": `# What the demo agent says: the first rule whose \`when\` matches the message answers.
# {{1}} is what the first group matched, {{input}} the whole message. In a group chat its sender's name stands before it: that
# is what each rule begins with. What may have a colon itself comes first, so that "remember: hello" greets nobody.
rules:
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:remember)(?: that|:)? (\\S[^]*)$'
    tool: { name: memory, arguments: { action: remember, content: '{{1}}' } }
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:run)(?::\\s*|\\s+)(\\S[^]*)$'
    tool: { name: bash, arguments: { command: '{{1}}' } }
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:hi|hello|hey|good (?:morning|evening)|moin|servus)\\b'
    say: |-
      Hello! I am the demo agent: a script that streams word by word, as a real model does.
      Try "tell me a story", "help", or anything else. Leave with ctrl-d whenever you like: I remember.
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:help|what can you do)'
    say: |-
      You can try five things with me.
      1. Say "tell me a story", leave with ctrl-d while I talk, and type \`duragent attach\`: not a word is missing.
      2. Say "count", kill the server with \`kill -9\`, start it again: the turn goes on by itself.
      3. Say "run date", or run and any other command: you are asked first, and it runs in a sandbox where there is one.
      4. Say "remember that I like tea", and "what do you remember" in another session.
      5. Read my files in .duragent/agents/demo and change what I say: the next message uses it.
  - when: '\\b(?i:story)\\b'
    say: |-
      Once there was a log that only ever grew. Whatever happened, it wrote it down before it told anyone.
      One night the power went out in the middle of a sentence. In the morning the lights came back, and those who had
      been listening asked: "Where were we?"
      The log did not have to guess. It read its last line, found the turn that was still open, and went on from there.
      Some had left long before the end. When they came back, it told them what they had missed, once and in order,
      and then went on with the rest.
      And that is the whole trick: write it down first, and then speak.
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:count)\\b'
    say: >-
      One. Two. Three. Four. Five. Six. Seven. Eight. Nine. Ten. Eleven. Twelve. Thirteen. Fourteen. Fifteen. Sixteen.
      Seventeen. Eighteen. Nineteen. Twenty. Now stop me, leave me, or kill me: the count is in the log.
  - after_tool: bash
    say: |-
      This came back:
      {{result}}
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:what do you remember)'
    tool: { name: memory, arguments: { action: recall } }
  - after_tool: memory
    say: '{{result}}'
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:my name is) (\\S+)'
    say: Nice to meet you, {{1}}.
  - when: '^(?:[^\\n:]{1,64}: )?\\s*(?i:bye|goodbye|ciao)\\b'
    say: Goodbye! ctrl-d leaves; \`duragent attach\` brings you back here.
  - when: '.*'
    say: 'You said: {{input}}. I am only a script; "help" shows what I can do.'
delay: { first_token_ms: 150, per_token_ms: 25 }
`,
};

/** Leaves out of git what a server makes, keeps what people write. */
export const workspaceGitignore = `# What the server makes stays out of git; what people write is kept.
/*
!/.gitignore
!/agents/
!/directives/
!/tools/
!/policy.yaml
/agents/*/memory/
/agents/*/policy.local.yaml
`;
