// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Pausable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Pausable.sol";

/// An ERC-20 token that minters may add to, up to a cap; holders may burn, pausers may pause all.
contract AssayerMintableToken is ERC20Capped, ERC20Burnable, ERC20Pausable, AccessControl {
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    error ZeroAdmin();

    uint8 private immutable _decimals;

    /// Amounts are in base units; `admin` gets every role. Reverts above the cap, for a cap of
    /// zero, and for a zero receiver or admin.
    constructor(
        string memory name,
        string memory symbol,
        uint8 tokenDecimals,
        uint256 initialSupply,
        uint256 tokenCap,
        address receiver,
        address admin
    ) ERC20(name, symbol) ERC20Capped(tokenCap) {
        if (admin == address(0)) revert ZeroAdmin();
        _decimals = tokenDecimals;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MINTER_ROLE, admin);
        _grantRole(PAUSER_ROLE, admin);
        _mint(receiver, initialSupply);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    /// Add `amount` base units to what `receiver` has. Reverts above the cap and while paused.
    function mint(address receiver, uint256 amount) external onlyRole(MINTER_ROLE) {
        _mint(receiver, amount);
    }

    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    function _update(
        address from,
        address to,
        uint256 amount
    ) internal override(ERC20, ERC20Capped, ERC20Pausable) {
        super._update(from, to, amount);
    }
}
