import { describe, expect, it } from 'vitest';

import { clock, countdown, isPhone, person, phone, secondsLeft, steps, sum } from './format';

describe('clock', () => {
  it.each([[0, '0:00'], [7, '0:07'], [7.99, '0:07'], [233, '3:53'], [724, '12:04'], [3_599, '59:59'], [3_753, '1:02:33'], [-5, '0:00']])('%d s is %s', (seconds, text) => {
    expect(clock(seconds)).toBe(text);
  });
});

describe('what is left', () => {
  it('counts a begun second as whole and stops at zero', () => {
    expect(secondsLeft(10_000, 0)).toBe(10);
    expect(secondsLeft(10_000, 1)).toBe(10);
    expect(secondsLeft(10_000, 9_999)).toBe(1);
    expect(secondsLeft(10_000, 10_000)).toBe(0);
    expect(secondsLeft(10_000, 99_000)).toBe(0);
  });
  it('keeps number and unit together', () => {
    expect(countdown(14)).toBe('14\u00a0s');
    expect(sum(11_820)).toBe('3:17\u00a0h');
    expect(sum(1_080)).toBe('18\u00a0min');
  });
});

describe('phone', () => {
  it.each([
    ['+442079460958', '+44 20 7946 0958'],
    ['+441614960121', '+44 161 496 0121'],
    ['+14155550123', '+1 415 555 0123'],
    ['+49305550142', '+49 30 5550 142'],
    ['+46855500177', '+46 8 5550 0177'],
    ['+33123456789', '+33 1 23 45 67 89'],
    ['+35812345678', '+358 12 345 678'],
  ])('groups %s', (raw, shown) => expect(phone(raw)).toBe(shown));
  it.each(['4410', 'sip:a@b.example', '+44 20 7946', '', '+12'])('leaves %j as it came', (raw) => expect(phone(raw)).toBe(raw));
  it('never loses a digit', () => {
    for (let length = 7; length <= 15; length += 1) {
      for (const start of ['1', '7', '33', '44', '49', '46', '390', '351', '999']) {
        const raw = `+${start.padEnd(length, '8')}`;
        expect(phone(raw).replaceAll(' ', '')).toBe(raw);
      }
    }
  });
  it('tells numbers from names', () => {
    expect(isPhone('+44 20 7946 0958')).toBe(true);
    expect(isPhone('Daniel 2')).toBe(false);
  });
});

describe('person', () => {
  it('shows the name and how to speak of them', () => {
    expect(person({ name: 'Daniel Okafor', number: '+442079460958' })).toEqual({ kind: 'name', title: 'Daniel Okafor', number: '+44 20 7946 0958', short: 'Daniel' });
  });
  it('does not call anybody "Dr."', () => {
    expect(person({ name: 'Dr. Amal Idris', number: '' }).short).toBe('Dr. Amal Idris');
  });
  it('takes a number sent as the name for what it is', () => {
    expect(person({ name: '+442079460958', number: '+442079460958' })).toEqual({ kind: 'number', title: '+44 20 7946 0958', number: '', short: '' });
  });
  it.each(['anonymous', 'Restricted', 'private'])('says that %s is withheld', (number) => {
    expect(person({ name: '', number }).kind).toBe('withheld');
  });
  it('makes nothing up', () => {
    expect(person({ name: ' ', number: '' })).toEqual({ kind: 'none', title: '', number: '', short: '' });
  });
});

describe('steps', () => {
  it('lights none in silence and all at full level', () => {
    expect(steps(0, 7)).toBe(0);
    expect(steps(Number.NaN, 7)).toBe(0);
    expect(steps(0.001, 7)).toBe(0);
    expect(steps(1, 7)).toBe(7);
    expect(steps(40, 7)).toBe(7);
  });
  it('rises with the level', () => {
    const lit = [0.002, 0.005, 0.02, 0.05, 0.2, 0.6].map((level) => steps(level, 7));
    expect([...lit].sort((a, b) => a - b)).toEqual(lit);
    expect(new Set(lit).size).toBeGreaterThan(4);
  });
});
