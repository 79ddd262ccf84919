// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ERC-20 token whose whole supply is made once, for one receiver. It has no owner.
contract AssayerFixedToken is ERC20 {
    uint8 private immutable _decimals;

    /// `initialSupply` is in base units. Reverts for the zero receiver.
    constructor(
        string memory name,
        string memory symbol,
        uint8 tokenDecimals,
        uint256 initialSupply,
        address receiver
    ) ERC20(name, symbol) {
        _decimals = tokenDecimals;
        _mint(receiver, initialSupply);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
