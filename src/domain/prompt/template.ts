/** What stands for `{{…}}` in a prompt of an agent. */
export type TemplateValues = Readonly<Record<string, string>>;

/** Values as of a moment (ms since 1970, shown in UTC): the start of the turn, so that every call of it has the same text. */
export function templateValues(facts: {
  startedAt: number;
  agentName: string;
  agentHome: string;
  sessionId: string;
}): TemplateValues {
  const moment = new Date(facts.startedAt).toISOString();
  return {
    date: moment.slice(0, 10),
    time: `${moment.slice(11, 16)} UTC`,
    "agent.name": facts.agentName,
    "agent.home": facts.agentHome,
    "session.id": facts.sessionId,
  };
}

/** Replaces each known `{{name}}`, spaces inside the braces allowed; everything else stays as it is. */
export function expandTemplate(text: string, values: TemplateValues): string {
  return text.replaceAll(/\{\{[ \t]*([a-z.]+)[ \t]*\}\}/g, (written, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? written) : written,
  );
}
