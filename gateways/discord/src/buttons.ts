import {
  ButtonStyle,
  ComponentType,
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
} from "@discordjs/core";
import { CommandFailure, type Keyboard } from "@duragent/gateway-protocol";

// https://discord.com/developers/docs/components/reference#action-row
const buttonsInRowMax = 5;
const rowsMax = 5;
const labelMax = 80;

/** Rows of more than five buttons go on in the next. Throws CommandFailure where there are more than Discord shows. */
export function buttonRows(keyboard: Keyboard | undefined): APIActionRowComponent<APIButtonComponentWithCustomId>[] {
  const rows = (keyboard?.rows ?? []).flatMap((row) => slices(row, buttonsInRowMax));
  if (rows.length > rowsMax) {
    throw new CommandFailure("invalid_request", `Discord shows at most ${rowsMax} rows of ${buttonsInRowMax} buttons`);
  }
  return rows.map((row) => ({
    type: ComponentType.ActionRow,
    components: row.map(({ text, callback_data }) => ({
      type: ComponentType.Button,
      style: ButtonStyle.Primary,
      label: Array.from(text).slice(0, labelMax).join(""),
      custom_id: callback_data,
    })),
  }));
}

function slices<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}
