export const slashCommands = ["help", "status", "reset", "cancel", "agents"] as const;
export type SlashCommand = (typeof slashCommands)[number];

const form = /^\/([a-z]+)(@\S+)?(?:\s|$)/i;
const leadingMention = /^@\S+[\s,:]+/;

type Said = {
  readonly text: string;
  readonly isGroup: boolean;
  readonly mentionsBot: boolean;
  readonly addressed: boolean;
};

/**
 * The command that a message is, whatever words follow it; nothing for any other message. In a group it counts only if it
 * is said to the bot (`addressed`: also where the agent listens to all), and with a bot's name (`/reset@bot`) only if that
 * bot is this one.
 */
export function slashCommandOf({ text, isGroup, mentionsBot, addressed }: Said): SlashCommand | undefined {
  const said = text.trim();
  const [, name = "", suffix] = form.exec(mentionsBot ? said.replace(leadingMention, "") : said) ?? [];
  const command = slashCommands.find((known) => known === name.toLowerCase());
  if (command === undefined || !isGroup) return command;
  return suffix === undefined ? when(addressed, command) : when(mentionsBot, command);
}

const when = <Value>(holds: boolean, value: Value): Value | undefined => (holds ? value : undefined);
