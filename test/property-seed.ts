// One seed for all properties: the gate plays the same cases every time, `npm run test:search` plays new ones and names the seed.
import fc from "fast-check";

const FIXED_SEED = 20_261_122;

const { PROPERTY_SEED } = process.env;
fc.configureGlobal({ seed: PROPERTY_SEED === undefined ? FIXED_SEED : Number(PROPERTY_SEED) });
