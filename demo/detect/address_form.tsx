// Asks for an address of a model's file.

interface AddressFormProps {
  label: string;
  value: string;
  /** What an empty field means. Without: it must be filled. */
  placeholder?: string;
  onSubmit(address: string): void;
}

export function AddressForm({ label, value, placeholder, onSubmit }: AddressFormProps) {
  return (
    <form
      class="address"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(new FormData(event.currentTarget).get('address')!.toString().trim());
      }}
    >
      <label class="field">
        <span>{label}</span>
        <input
          type="text"
          name="address"
          inputMode="url"
          autoComplete="off"
          spellcheck={false}
          defaultValue={value}
          placeholder={placeholder}
          required={placeholder === undefined}
        />
      </label>
      <button type="submit">Load</button>
    </form>
  );
}
