-- The token's cnf["x5t#S256"] against the SHA-256 of the forwarded certificate. Envoy's Lua has no SHA-256 of its own,
-- so this one is written out; a thumbprint once computed is remembered by the whole header, as certbound does.
local bit = require("bit")
local band, bxor, bnot, rshift, ror, tobit = bit.band, bit.bxor, bit.bnot, bit.rshift, bit.ror, bit.tobit

local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
local decoded = {}
for place = 1, 62 do decoded[letters:byte(place)] = place - 1 end
decoded[43], decoded[47] = 62, 63

-- The first 32 bits of the fractional parts of the roots of the first primes (FIPS 180-4, sections 4.2.2 and 5.3.3).
local constants, initial = {}, {}
do
  local prime = 2
  while #constants < 64 do
    local is_prime = true
    for divisor = 2, math.floor(math.sqrt(prime)) do
      if prime % divisor == 0 then is_prime = false break end
    end
    if is_prime then
      if #initial < 8 then initial[#initial + 1] = tobit(math.floor(prime ^ (1 / 2) % 1 * 2 ^ 32)) end
      constants[#constants + 1] = tobit(math.floor(prime ^ (1 / 3) % 1 * 2 ^ 32))
    end
    prime = prime + 1
  end
end

local function der(pem)
  local text = pem:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  text = text:gsub("%-%-%-%-%-[^-]*%-%-%-%-%-", ""):gsub("[\r\n=]", "")
  local bytes, bits, held = {}, 0, 0
  for place = 1, #text do
    local value = decoded[text:byte(place)]
    if not value then return nil end
    held, bits = held * 64 + value, bits + 6
    if bits >= 8 then
      bits = bits - 8
      local unit = 2 ^ bits
      bytes[#bytes + 1] = math.floor(held / unit)
      held = held % unit
    end
  end
  return bytes
end

local function sha256(bytes)
  local length = #bytes
  bytes[length + 1] = 0x80
  while #bytes % 64 ~= 56 do bytes[#bytes + 1] = 0 end
  for shift = 56, 0, -8 do bytes[#bytes + 1] = math.floor(length * 8 / 2 ^ shift) % 256 end
  local state, w = { unpack(initial) }, {}
  for block = 0, #bytes - 64, 64 do
    for i = 1, 16 do
      local at = block + 4 * i - 3
      w[i] = tobit(((bytes[at] * 256 + bytes[at + 1]) * 256 + bytes[at + 2]) * 256 + bytes[at + 3])
    end
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
      local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
      w[i] = tobit(w[i - 16] + s0 + w[i - 7] + s1)
    end
    local a, b, c, d, e, f, g, h = unpack(state)
    for i = 1, 64 do
      local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
      local t1 = tobit(h + s1 + bxor(band(e, f), band(bnot(e), g)) + constants[i] + w[i])
      local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
      local t2 = tobit(s0 + bxor(band(a, b), band(a, c), band(b, c)))
      h, g, f, e, d, c, b, a = g, f, e, tobit(d + t1), c, b, a, tobit(t1 + t2)
    end
    local add = { a, b, c, d, e, f, g, h }
    for i = 1, 8 do state[i] = tobit(state[i] + add[i]) end
  end
  local digest = {}
  for _, word in ipairs(state) do
    for shift = 24, 0, -8 do digest[#digest + 1] = band(rshift(word, shift), 255) end
  end
  return digest
end

local function base64url(bytes)
  local alphabet, text, bits, held = letters .. "-_", {}, 0, 0
  for _, byte in ipairs(bytes) do
    held, bits = held * 256 + byte, bits + 8
    while bits >= 6 do
      bits = bits - 6
      local unit = 2 ^ bits
      local place = math.floor(held / unit) + 1
      text[#text + 1] = alphabet:sub(place, place)
      held = held % unit
    end
  end
  if bits > 0 then
    local place = held * 2 ^ (6 - bits) + 1
    text[#text + 1] = alphabet:sub(place, place)
  end
  return table.concat(text)
end

local thumbprints, count = {}, 0

local function thumbprint(pem)
  local known = thumbprints[pem]
  if known then return known end
  local bytes = der(pem)
  if not bytes then return nil end
  if count == 1000 then thumbprints, count = {}, 0 end
  thumbprints[pem], count = base64url(sha256(bytes)), count + 1
  return thumbprints[pem]
end

function envoy_on_request(handle)
  local pem = handle:headers():get("x-ssl-client-cert")
  local claims = handle:streamInfo():dynamicMetadata():get("envoy.filters.http.jwt_authn")
  local confirmed = claims and claims.token and claims.token.cnf and claims.token.cnf["x5t#S256"]
  if not pem or not confirmed or thumbprint(pem) ~= confirmed then
    handle:respond({ [":status"] = "401" }, "")
  end
end
