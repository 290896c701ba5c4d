import type { CommandErrorView } from '../backend/generated/CommandErrorView';
import type { LoginOption } from '../backend/generated/LoginOption';
import type { Messages } from '../messages';
import { phone } from './format';

/** A station login that was refused because of what was typed. */
export interface StationProblem {
  field: LoginOption;
  text: string;
}

/**
 * Words for a refused station login, if one field is at fault (contact-center 2.7). The error names
 * the field; its reason or text tells a number in use from one that is not valid.
 */
export function stationProblem(error: CommandErrorView, option: LoginOption, typed: string, t: Messages): StationProblem | null {
  const field = (['BROWSER', 'EXTENSION', 'AGENT_DN'] as const).find((each) => each === error.fieldName);
  if (field === undefined) return null;
  const shown = option === 'AGENT_DN' ? phone(typed) : typed.trim();
  const isInUse = error.reason === 'DUPLICATE_LOCATION' || /duplicate|in use/i.test(`${error.reason ?? ''} ${error.message}`);
  return { field, text: isInUse ? t.station.inUse(field, shown) : t.station.invalidNumber };
}
